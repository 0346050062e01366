// What a shared object says about itself before any of its code runs.
//
// Only ELF for 64-bit little-endian systems. Every offset is checked, so that a damaged file is an error and
// never a read of foreign memory. Against mistakes, not against malice: whoever may write the file needs no
// tricks.
#pragma once

#include <string>
#include <vector>

#include "base/bytes.hpp"
#include "base/error.hpp"

namespace tilld::daemon::plugin_host {

struct elf_facts {
  std::vector<std::string> exported;  // symbols that other objects can bind to
  std::vector<std::string> needed;    // DT_NEEDED: "libusb-1.0.so.0"
  bool has_run_path = false;          // RPATH or RUNPATH: would look for libraries where anybody may put them
};

// plugin_missing when it is not a shared object that this program could load.
base::result<elf_facts> read_elf(base::byte_view file);

}  // namespace tilld::daemon::plugin_host
