// A barcode scanner on a serial port (USB scanners show up as one too): a line, ended by CR or LF, is one
// scan.
#include <poll.h>

#include <optional>
#include <string>

#include <tilld/octets.hpp>
#include <tilld/plugin.hpp>
#include <tilld/scanner.hpp>
#include <tilld/serial_port.hpp>

class driver {
 public:
  // The keys of `config:` in tilld.yaml. Others are refused, and the daemon says which one was meant.
  struct config {
    std::string port;
    std::optional<std::uint32_t> baud;
  };

  // Opens the device or throws. When it is not there, the daemon tries again until it is.
  driver(tilld::host host, const config& from)
      : host_(host), port_(from.port, {.baud = from.baud.value_or(9600)}) {
    host_.watch(port_.descriptor(), POLLIN);
  }

  tilld::nothing enable(const tilld::scanner::enable& request) {
    enabled_ = request.on;
    return {};
  }

  // Called whenever the device has said something, and when it was unplugged: then read() throws, the
  // instance ends, and the daemon looks for the device again.
  void on_fd(int, std::int16_t) {
    for (char c : port_.read()) take(c);
  }

  using methods = std::tuple<tilld::method<&driver::enable>>;

 private:
  void take(char c) {
    if (c != '\r' && c != '\n') {
      if (line_.size() < line_size_max) line_ += c;
      return;
    }
    // The LF of a CRLF ends an empty line, which is not a scan.
    if (enabled_ && !line_.empty()) {
      tilld::scanner::scanned event;
      event.text = tilld::text_of(line_);
      host_.emit(event);
    }
    line_.clear();
  }

  static constexpr std::size_t line_size_max = 512;

  tilld::host host_;
  tilld::serial_port port_;
  bool enabled_ = true;
  std::string line_;
};
BOOST_DESCRIBE_STRUCT(driver::config, (), (port, baud))

TILLD_PLUGIN(driver, {.id = "com.example.my-device",
                      .version = "1.0.0",
                      .summary = "Barcode scanners on a serial port",
                      .provides = {"tilld.scanner/1"}})
