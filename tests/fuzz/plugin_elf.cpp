// The file of a plugin, before any of its code runs.
#include "daemon/plugin_host/elf.hpp"
#include "tests/fuzz/target.hpp"

namespace tilld::fuzz {
namespace {

// A damaged file is an error and never a look at foreign memory. The octets are copied to their exact size,
// so that a look behind their end is seen.
void eat(std::string_view octets) {
  base::byte_string file(octets.begin(), octets.end());
  auto facts = daemon::plugin_host::read_elf(file);
  if (!facts) {
    demand(facts.error().code == base::errc::plugin_missing && !facts.error().detail.empty(),
           "a refusal says why");
    return;
  }
  std::size_t named = 0;
  for (auto& name : facts->exported) named += name.size();
  for (auto& name : facts->needed) named += name.size();
  demand(named <= file.size() * 64, "names are those of the file");
}

const target plugin_elf{"plugin_elf", eat};

}  // namespace
}  // namespace tilld::fuzz
