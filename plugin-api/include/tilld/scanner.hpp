// Interface tilld.scanner/1: what reads barcodes. plugin-api/schema/tilld.scanner.1.json is printed from this
// file.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <tuple>

#include <tilld/vocabulary.hpp>

namespace tilld::scanner {

// Event: a label was read. The text may be a voucher that is as good as cash, and nobody can tell before it
// was looked up; so it is secret: no log and no trace shows it.
struct scanned {
  static constexpr const char* name = "tilld.scanner/1.scanned";
  static constexpr std::array<std::string_view, 2> secret_members{"text", "blob"};
  std::string text;  // what the label says, without prefix, suffix and line end
  std::optional<std::string>
      symbology;  // AIM identifier (ISO/IEC 15424) such as "]E0"; scanners often do not tell
  std::optional<std::string>
      device_time;   // RFC 3339, from scanners that collect and have a clock of their own
  tilld::blob blob;  // the octets as read, where text is not all of it (control characters, binary codes)
};
BOOST_DESCRIBE_STRUCT(scanned, (), (text, symbology, device_time))

// Request: a disabled scanner emits nothing; what is scanned meanwhile is lost. A scanner starts enabled.
struct enable {
  static constexpr const char* name = "tilld.scanner/1.enable";
  static constexpr const char* summary =
      "Lets a scanner emit what it scans, or not; what is scanned meanwhile is lost";
  static constexpr bool changes_state = false;
  static constexpr std::uint32_t deadline_ms_default = 2'000;
  using reply = tilld::nothing;
  bool on = true;
};
BOOST_DESCRIBE_STRUCT(enable, (), (on))

struct interface_1 {
  static constexpr const char* name = "tilld.scanner/1";
  using requests = std::tuple<enable>;
  using events = std::tuple<scanned>;
};

}  // namespace tilld::scanner
