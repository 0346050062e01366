// The campaign's side of the library that fails a daemon's disk (failing_disk.c).
#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "tests/disks/failing_disk.h"

namespace tilld::disks {

class disk_on_order {
 public:
  explicit disk_on_order(const std::string& file);
  ~disk_on_order();
  disk_on_order(const disk_on_order&) = delete;

  // For the environment of the daemon.
  std::vector<std::string> environment() const;

  struct order {
    bool write = false;               // else a flush
    std::uint32_t in = 1, times = 1;  // for ever: UINT32_MAX
    int error_number = 0;
  };
  void fail(const order& o);
  // To be called when the daemon was killed, before the next one starts.
  void heal();
  std::uint32_t failed() const { return read(disk_->failed); }
  std::uint32_t syncs() const { return read(disk_->syncs); }

  // The daemon is dead, and so is the machine now: what failed flushes should have covered is taken out of
  // the logs in this folder, and of what was never flushed a part that chance chooses. Returns how many
  // octets were taken.
  std::uint64_t cut_power(const std::string& folder, std::mt19937_64& random);

 private:
  static std::uint32_t read(const std::uint32_t& word) { return __atomic_load_n(&word, __ATOMIC_SEQ_CST); }

  std::string file_;
  failing_disk* disk_ = nullptr;
};

}  // namespace tilld::disks
