#include "tests/durability/watched_disk.hpp"

#include <fcntl.h>
#include <linux/futex.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <climits>

#include "tests/support/process.hpp"
#include "tests/support/shop.hpp"

namespace tilld::durability {

watched_disk::watched_disk(const std::string& file) : file_(file) {
  int fd = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0 || ::ftruncate(fd, 4096) != 0) tests::give_up("cannot make " + file);
  void* mapped = ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  ::close(fd);
  if (mapped == MAP_FAILED) tests::give_up("cannot map " + file);
  control_ = static_cast<disk_control*>(mapped);
}

watched_disk::~watched_disk() {
  release();
  ::munmap(control_, 4096);
}

std::vector<std::string> watched_disk::environment() const {
  auto all = tests::preloading(TILLD_DISK_LIBRARY);
  all.push_back("TILLD_TEST_DISK=" + file_);
  return all;
}

void watched_disk::hold() { write(control_->hold, 1); }

void watched_disk::release() {
  write(control_->hold, 0);
  ::syscall(SYS_futex, &control_->hold, FUTEX_WAKE, INT_MAX, nullptr, nullptr, 0);
}

bool watched_disk::wait_for_held(std::chrono::milliseconds at_most) const {
  auto until = std::chrono::steady_clock::now() + at_most;
  while (!holds_one()) {
    if (std::chrono::steady_clock::now() > until) return false;
    ::poll(nullptr, 0, 1);
  }
  return true;
}

}  // namespace tilld::durability
