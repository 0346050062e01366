// Interface tilld.display/1: what the customer looks at. plugin-api/schema/tilld.display.1.json is printed
// from this file.
//
// Showing the same thing twice harms nobody, so nothing here counts as a change of state.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include <tilld/vocabulary.hpp>

namespace tilld::display {

// Request: replaces what is shown. Lines that are too long or too many for the display are cut.
struct show {
  static constexpr const char* name = "tilld.display/1.show";
  static constexpr const char* summary = "Shows lines to the customer";
  static constexpr bool changes_state = false;
  static constexpr std::uint32_t deadline_ms_default = 2'000;
  static constexpr std::array<std::string_view, 1> secret_members{"qr"};
  static constexpr std::array<std::string_view, 1> personal_members{"lines"};
  using reply = tilld::nothing;
  std::vector<std::string> lines;
  std::optional<std::string> qr;             // content of a QR code, for displays that can draw one
  std::optional<std::uint32_t> duration_ms;  // then it clears by itself; for ever when left out
};
BOOST_DESCRIBE_STRUCT(show, (), (lines, qr, duration_ms))

struct clear {
  static constexpr const char* name = "tilld.display/1.clear";
  static constexpr const char* summary = "Shows nothing";
  static constexpr bool changes_state = false;
  static constexpr std::uint32_t deadline_ms_default = 2'000;
  using reply = tilld::nothing;
};
BOOST_DESCRIBE_STRUCT(clear, (), ())

struct interface_1 {
  static constexpr const char* name = "tilld.display/1";
  using requests = std::tuple<show, clear>;
  using events = std::tuple<>;
};

}  // namespace tilld::display
