// Barcode scanners on a serial port, among them USB scanners that show up as one (CDC). protocol.cpp knows
// what they say; this file ties it to the port, to the clock and to tilld. Written to be read by whoever
// makes a plugin.
#include <poll.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include <tilld/octets.hpp>
#include <tilld/plugin.hpp>
#include <tilld/scanner.hpp>
#include <tilld/serial_port.hpp>

#include "plugins/serial-scanner/protocol.hpp"

namespace serial_scanner {

enum class aim_setting {
  auto_,
  required,
  none
};  // "auto" on the wire: an underscore at the end is no part of a name
BOOST_DESCRIBE_ENUM(aim_setting, auto_, required, none)

// The YAML section; README.md has a sentence on each key.
struct settings {
  std::string port;
  std::optional<std::uint32_t> baud, data_bits;
  std::optional<tilld::serial_parity> parity;
  std::optional<std::string> prefix, suffix;
  std::optional<std::vector<std::string>> terminators;
  std::optional<aim_setting> aim;
  std::optional<std::uint32_t> pause_ms, length_max;
};
BOOST_DESCRIBE_STRUCT(settings, (),
                      (port, baud, data_bits, parity, prefix, suffix, terminators, aim, pause_ms, length_max))

class driver {
 public:
  using config = settings;

  driver(tilld::host host, const config& from)
      : host_(host),
        reader_(framing_of(from)),
        pause_(pause_of(from)),
        port_(from.port, {.baud = from.baud.value_or(9600),
                          .data_bits = from.data_bits.value_or(8),
                          .parity = from.parity.value_or(tilld::serial_parity::none)}) {
    host_.watch(port_.descriptor(), POLLIN);
  }

  tilld::nothing enable(const tilld::scanner::enable& request) {
    enabled_ = request.on;
    return {};
  }

  void on_fd(int, std::int16_t) {
    for (auto& one : reader_.take(port_.read())) tell(one);
    if (reader_.in_the_middle())
      host_.set_timer(pause_timer, pause_);
    else
      host_.stop_timer(pause_timer);
  }

  void on_timer(std::uint32_t) {
    if (auto one = reader_.silence()) tell(*one);
  }

  using methods = std::tuple<tilld::method<&driver::enable>>;

 private:
  // What belongs together follows within milliseconds, also at 9,600 baud: 500 ms are no slow scanner but a
  // lost end. Where silence itself is the end, a cashier waits for it, so it is shorter.
  static constexpr std::uint32_t pause_ms_with_terminator = 500, pause_ms_without = 50;
  static constexpr std::uint32_t pause_timer = 1;

  static framing framing_of(const settings& from) {
    framing how;
    how.prefix = from.prefix.value_or("");
    how.suffix = from.suffix.value_or("");
    if (from.terminators) how.terminators = *from.terminators;
    if (from.aim == aim_setting::required) how.symbology = aim::required;
    if (from.aim == aim_setting::none) how.symbology = aim::none;
    how.size_max = from.length_max.value_or(8192);
    if (auto wrong = complaint_about(how)) throw tilld::failure(TILLD_E_CONFIG, *wrong);
    return how;
  }

  static std::chrono::milliseconds pause_of(const settings& from) {
    const bool silent_end = from.terminators && from.terminators->empty();
    const auto ms = from.pause_ms.value_or(silent_end ? pause_ms_without : pause_ms_with_terminator);
    if (ms < 5 || ms > 60'000) throw tilld::failure(TILLD_E_CONFIG, "pause_ms: must be 5 to 60000");
    return std::chrono::milliseconds(ms);
  }

  void tell(const reading& one) {
    if (one.why) return host_.log(tilld::log_level::warning, sentence(*one.why));
    if (!enabled_) return;  // what is scanned meanwhile is lost, as the interface says
    tilld::scanner::scanned event;
    event.text = tilld::text_of(one.octets);
    if (!one.symbology.empty()) event.symbology = one.symbology;
    if (!is_all_text(one.octets)) event.blob.bytes = one.octets;
    if (!host_.emit(event)) host_.log(tilld::log_level::error, "a scan was lost: the daemon takes nothing");
  }

  // Separators of GS1 element strings are control characters; a till may want the octets as they were.
  static bool is_all_text(const std::string& octets) {
    return tilld::is_utf8(octets) && std::none_of(octets.begin(), octets.end(), [](char c) {
             return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
           });
  }

  tilld::host host_;
  scan_reader reader_;
  const std::chrono::milliseconds pause_;
  tilld::serial_port
      port_;  // last, so that a config that is wrong is complained about before a port that is not there
  bool enabled_ = true;
};

}  // namespace serial_scanner

TILLD_PLUGIN(serial_scanner::driver, {.id = "org.tilld.serial-scanner",
                                      .version = "1.0.0",
                                      .summary = "Barcode scanners on a serial port",
                                      .provides = {"tilld.scanner/1"}})
