#include "plugin-api/check/test_device.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <termios.h>
#include <unistd.h>

#include <stdexcept>

#include "plugin-api/check/subject.hpp"

namespace tilld::plugin_check {

namespace {

base::unique_fd open_terminal(std::string& path) {
  base::unique_fd master(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK));
  char name[128];
  if (!master || ::grantpt(master.get()) != 0 || ::unlockpt(master.get()) != 0 ||
      ::ptsname_r(master.get(), name, sizeof name) != 0)
    throw std::runtime_error("this machine gives no terminal for ${pty}");
  path = name;
  // Raw, and nothing that is sent comes back: a device is no person at a keyboard.
  const base::unique_fd slave(::open(name, O_RDWR | O_NOCTTY | O_CLOEXEC));
  termios how{};
  if (slave && ::tcgetattr(slave.get(), &how) == 0) {
    ::cfmakeraw(&how);
    ::tcsetattr(slave.get(), TCSANOW, &how);
  }
  return master;
}

base::unique_fd listen_on_loopback(std::string& address) {
  base::unique_fd listener(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof at;
  if (!listener || ::bind(listener.get(), reinterpret_cast<sockaddr*>(&at), size) != 0 ||
      ::listen(listener.get(), 8) != 0 ||
      ::getsockname(listener.get(), reinterpret_cast<sockaddr*>(&at), &size) != 0)
    throw std::runtime_error("this machine gives no port for ${tcp}");
  address = "127.0.0.1:" + std::to_string(ntohs(at.sin_port));
  return listener;
}

}  // namespace

test_devices::test_devices(const boost::json::object& config) {
  if (has_place(config, "${pty}")) terminal_ = open_terminal(terminal_path_);
  if (has_place(config, "${tcp}")) listener_ = listen_on_loopback(address_);
}

boost::json::object test_devices::put_into(const boost::json::object& config) const {
  return put_in_place(put_in_place(config, "${pty}", terminal_path_), "${tcp}", address_);
}

void test_devices::serve() {
  if (listener_) {
    const int made = ::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (made >= 0) connection_.reset(made);
  }
  char chunk[4096];
  for (const int from : {terminal_.get(), connection_.get()})
    for (ssize_t size = 1; from >= 0 && size > 0;) {
      size = ::read(from, chunk, sizeof chunk);
      if (size > 0) taken_ += static_cast<std::size_t>(size);
    }
}

void test_devices::vanish() {
  listener_.reset();
  if (connection_) {
    const linger at_once{1, 0};
    ::setsockopt(connection_.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  }
  connection_.reset();
  terminal_.reset();
}

}  // namespace tilld::plugin_check
