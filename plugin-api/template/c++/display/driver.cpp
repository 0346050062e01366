// A customer display on a serial port that shows two lines of twenty characters, cleared by a form feed, as
// many pole displays do.
#include <algorithm>
#include <optional>
#include <string>

#include <tilld/display.hpp>
#include <tilld/plugin.hpp>
#include <tilld/serial_port.hpp>

class driver {
 public:
  struct config {
    std::string port;
    std::optional<std::uint32_t> baud;
    std::optional<std::uint32_t> columns, lines;
  };

  driver(tilld::host host, const config& from)
      : host_(host), config_(from), port_(from.port, {.baud = from.baud.value_or(9600)}) {}

  tilld::nothing show(const tilld::display::show& request) {
    std::string octets = "\f";
    const auto count = std::min<std::size_t>(request.lines.size(), config_.lines.value_or(2));
    for (std::size_t i = 0; i < count; ++i) octets += (i ? "\r\n" : "") + fitted(request.lines[i]);
    port_.write(octets);
    host_.stop_timer(clear_timer);
    if (request.duration_ms) host_.set_timer(clear_timer, std::chrono::milliseconds(*request.duration_ms));
    return {};
  }

  tilld::nothing clear(const tilld::display::clear&) {
    host_.stop_timer(clear_timer);
    port_.write("\f");
    return {};
  }

  void on_timer(std::uint32_t) { port_.write("\f"); }

  using methods = std::tuple<tilld::method<&driver::show>, tilld::method<&driver::clear>>;

 private:
  // What the display cannot show becomes a question mark, one for each character.
  std::string fitted(const std::string& utf8) const {
    std::string line;
    for (unsigned char c : utf8) {
      if ((c & 0xc0) == 0x80) continue;  // the rest of a longer character
      line += c >= 0x20 && c < 0x7f ? static_cast<char>(c) : '?';
    }
    return line.substr(0, config_.columns.value_or(20));
  }

  static constexpr std::uint32_t clear_timer = 1;

  tilld::host host_;
  const config config_;
  tilld::serial_port port_;
};
BOOST_DESCRIBE_STRUCT(driver::config, (), (port, baud, columns, lines))

TILLD_PLUGIN(driver, {.id = "com.example.my-device",
                      .version = "1.0.0",
                      .summary = "Customer displays on a serial port",
                      .provides = {"tilld.display/1"}})
