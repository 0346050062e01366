// Wakes a thread that sleeps in poll().
#pragma once

#include <sys/eventfd.h>
#include <unistd.h>

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

}  // namespace tilld::daemon::plugin_host
