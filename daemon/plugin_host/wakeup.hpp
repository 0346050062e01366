// Wakes a thread that sleeps in poll(): at once, or after a while.
#pragma once

#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <chrono>

#include "base/file.hpp"

namespace tilld::daemon::plugin_host {

class wakeup {
 public:
  wakeup() : descriptor_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}
  int descriptor() const { return descriptor_.get(); }  // readable after a ring
  void ring() const {
    const std::uint64_t one = 1;
    // Fails only when it has rung 2^64-2 times; it is readable then.
    if (::write(descriptor_.get(), &one, sizeof one) < 0) return;
  }
  void silence() const {
    std::uint64_t rings;
    if (::read(descriptor_.get(), &rings, sizeof rings) < 0) return;
  }

 private:
  base::unique_fd descriptor_;
};

// Rings once, so long after it was set. Any thread may set it.
class alarm_clock {
 public:
  alarm_clock() : descriptor_(::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK)) {}
  int descriptor() const { return descriptor_.get(); }  // readable when it has rung
  void set(std::chrono::milliseconds after) const {
    itimerspec when{};
    when.it_value.tv_nsec = std::chrono::nanoseconds(after).count();
    ::timerfd_settime(descriptor_.get(), 0, &when, nullptr);
  }
  void silence() const {
    std::uint64_t rings;
    if (::read(descriptor_.get(), &rings, sizeof rings) < 0) return;
  }

 private:
  base::unique_fd descriptor_;
};

}  // namespace tilld::daemon::plugin_host
