// The test's side of the library that stands between a daemon and its disk.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "tests/durability/disk_control.h"

namespace tilld::durability {

class watched_disk {
 public:
  explicit watched_disk(const std::string& file);
  ~watched_disk();
  watched_disk(const watched_disk&) = delete;

  // For the environment of the daemon.
  std::vector<std::string> environment() const;

  void hold();
  void release();
  // True as soon as a sync waits.
  bool wait_for_held(std::chrono::milliseconds at_most) const;
  bool holds_one() const { return read(control_->held) > 0; }
  void fail_next(int error_number) { write(control_->fail_next, static_cast<std::uint32_t>(error_number)); }
  void fail_all(int error_number) { write(control_->fail_all, static_cast<std::uint32_t>(error_number)); }
  void be_very_fast(bool on) { write(control_->no_disk, on); }
  std::uint32_t completed() const { return read(control_->completed); }

 private:
  static std::uint32_t read(const std::uint32_t& word) { return __atomic_load_n(&word, __ATOMIC_SEQ_CST); }
  static void write(std::uint32_t& word, std::uint32_t value) {
    __atomic_store_n(&word, value, __ATOMIC_SEQ_CST);
  }

  std::string file_;
  disk_control* control_ = nullptr;
};

}  // namespace tilld::durability
