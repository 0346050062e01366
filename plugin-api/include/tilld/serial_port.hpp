// A serial port as device drivers want it: raw, locked, never blocking.
//
// A terminal that was just plugged in collects lines, changes CR into LF and says everything back to the
// device; a scanner that hears its own scans may take them for commands. So everything of that is switched
// off. The port is locked twice, because a till has only one scanner and every second program believes it
// owns it: TIOCEXCL keeps other users out, and flock(2) the programs of this one that ask. [plugin-thread]
#pragma once

#include <fcntl.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <boost/describe.hpp>

#include <tilld/failure.hpp>

namespace tilld {

enum class serial_parity { none, even, odd };
BOOST_DESCRIBE_ENUM(serial_parity, none, even, odd)

struct serial_settings {
  std::uint32_t baud = 9600;    // of a USB port it means nothing, and does no harm
  std::uint32_t data_bits = 8;  // 7 or 8
  serial_parity parity = serial_parity::none;
};

class serial_port {
 public:
  // Throws TILLD_E_NO_DEVICE when the port is not there, not allowed or in somebody else's hands: the
  // instance is started again until it is. TILLD_E_CONFIG when a setting makes no sense. What the device said
  // before is dropped: it was said to nobody.
  serial_port(const std::string& path, const serial_settings& settings) {
    const auto speed = speed_of(settings.baud);
    if (!speed)
      throw failure(TILLD_E_CONFIG,
                    "baud: " + std::to_string(settings.baud) + " is no speed of a serial port");
    if (settings.data_bits != 7 && settings.data_bits != 8)
      throw failure(TILLD_E_CONFIG, "data_bits: must be 7 or 8");
    fd_ = ::open(path.c_str(), O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
    if (fd_ < 0) throw no_device(path, errno);
    try {
      set_up(path, settings, *speed);
    } catch (...) {
      ::close(fd_);
      throw;
    }
  }
  ~serial_port() {
    if (fd_ < 0) return;
    ::ioctl(fd_, TIOCNXCL);
    ::close(fd_);
  }
  serial_port(serial_port&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  serial_port& operator=(serial_port&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }

  // For host.watch(port.descriptor(), POLLIN).
  int descriptor() const { return fd_; }

  // What has come, possibly nothing; valid until the next call. Throws TILLD_E_NO_DEVICE when the device was
  // pulled out.
  std::string_view read() {
    const auto size = ::read(fd_, chunk_.data(), chunk_.size());
    if (size > 0) return {chunk_.data(), static_cast<std::size_t>(size)};
    if (size < 0 && (errno == EAGAIN || errno == EINTR)) return {};
    throw failure(TILLD_E_NO_DEVICE, "the device was unplugged");
  }

  // Says everything, or throws: TILLD_E_TIMEOUT when the device takes nothing for two seconds (part of it may
  // be said), TILLD_E_NO_DEVICE when it is gone.
  void write(std::string_view octets) {
    while (!octets.empty()) {
      const auto size = ::write(fd_, octets.data(), octets.size());
      if (size > 0) {
        octets.remove_prefix(static_cast<std::size_t>(size));
        continue;
      }
      if (size < 0 && errno != EAGAIN && errno != EINTR)
        throw failure(TILLD_E_NO_DEVICE, "the device was unplugged");
      pollfd one{fd_, POLLOUT, 0};
      if (::poll(&one, 1, 2000) == 0) throw failure(TILLD_E_TIMEOUT, "the device takes nothing");
    }
  }

 private:
  static std::optional<speed_t> speed_of(std::uint32_t baud) {
    constexpr std::pair<std::uint32_t, speed_t> known[] = {
        {1200, B1200},   {2400, B2400},   {4800, B4800},     {9600, B9600},    {19200, B19200},
        {38400, B38400}, {57600, B57600}, {115200, B115200}, {230400, B230400}};
    for (auto& [number, speed] : known)
      if (number == baud) return speed;
    return std::nullopt;
  }

  static failure no_device(const std::string& path, int why) {
    std::string text = "cannot open " + path + ": " + std::strerror(why);
    if (why == EACCES || why == EPERM)
      text += " (do the instance's paths: name it with :rw, and is tilld's user in its group?)";
    if (why == EBUSY)
      text += " (another program has it; ModemManager and brltty take ports that they do not know)";
    return failure(TILLD_E_NO_DEVICE, text);
  }

  void set_up(const std::string& path, const serial_settings& settings, speed_t speed) {
    if (::flock(fd_, LOCK_EX | LOCK_NB) != 0) throw no_device(path, EBUSY);
    termios how{};
    if (::tcgetattr(fd_, &how) != 0) throw failure(TILLD_E_CONFIG, path + " is not a serial port");
    if (::ioctl(fd_, TIOCEXCL) != 0) throw no_device(path, errno);
    ::cfmakeraw(&how);
    how.c_cflag &= static_cast<tcflag_t>(~(CSIZE | PARENB | PARODD | CSTOPB | CRTSCTS));
    how.c_cflag |= CLOCAL | CREAD | (settings.data_bits == 7 ? CS7 : CS8);
    if (settings.parity != serial_parity::none) how.c_cflag |= PARENB;
    if (settings.parity == serial_parity::odd) how.c_cflag |= PARODD;
    how.c_cc[VMIN] = 1;  // so that an empty read means gone
    how.c_cc[VTIME] = 0;
    ::cfsetispeed(&how, speed);
    ::cfsetospeed(&how, speed);
    if (::tcsetattr(fd_, TCSANOW, &how) != 0) throw no_device(path, errno);
    ::tcflush(fd_, TCIOFLUSH);
  }

  int fd_ = -1;
  std::array<char, 4096> chunk_;
};

}  // namespace tilld
