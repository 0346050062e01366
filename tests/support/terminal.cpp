#include "tests/support/terminal.hpp"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include <filesystem>

#include "tests/support/shop.hpp"

namespace tilld::tests {

namespace fs = std::filesystem;

void serial_device::plug_in() {
  master_ = ::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
  if (master_ < 0 || ::grantpt(master_) != 0 || ::unlockpt(master_) != 0) give_up("no pseudo-terminal");
  fs::remove(name_);
  fs::create_symlink(::ptsname(master_), name_);
}

void serial_device::unplug() {
  if (master_ < 0) return;
  fs::remove(name_);
  ::close(master_);
  master_ = -1;
}

void serial_device::say(std::string_view octets) const {
  while (!octets.empty()) {
    auto n = ::write(master_, octets.data(), octets.size());
    if (n <= 0) give_up("nobody listens to the serial device");
    octets.remove_prefix(static_cast<std::size_t>(n));
  }
}

}  // namespace tilld::tests
