// The plugin's section of the YAML. Unknown keys are refused by the daemon before the plugin sees them; what
// the keys mean to a person stands in the README.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include <boost/describe.hpp>

#include "plugins/escpos-printer/escpos_bytes.hpp"
#include "plugins/escpos-printer/paper.hpp"
#include "plugins/escpos-printer/printer_session.hpp"
#include "plugins/escpos-printer/result.hpp"

namespace tilld::escpos {

enum class output_kind { file, tcp };
BOOST_DESCRIBE_ENUM(output_kind, file, tcp)

enum class mode_word { auto_, text, image };
BOOST_DESCRIBE_ENUM(mode_word, auto_, text, image)

enum class confirm_word { auto_, process_id, gs_r, sent };
BOOST_DESCRIBE_ENUM(confirm_word, auto_, process_id, gs_r, sent)

enum class pin_level { high, low };
BOOST_DESCRIBE_ENUM(pin_level, high, low)

struct printer_config {
  output_kind output{};
  std::optional<std::string> path;     // file: the folder
  std::optional<bool> png, text;       // file: keep previews beside the bytes; both true when left out
  std::optional<std::string> address;  // tcp: "192.0.2.7:9100"
  std::optional<std::uint32_t> connect_timeout_ms;  // tcp: 100 to 60000, 3000 when left out
  std::optional<confirm_word> confirm;              // tcp
  std::optional<pin_level>
      drawer_open_pin;                 // tcp: what pin 3 of the connector shows while the drawer is open
  std::optional<std::uint32_t> width;  // 58, 80 or dots; 80 when left out
  std::optional<std::uint32_t> columns, dpi;  // where the printer differs from the usual ones
  std::optional<mode_word> mode;
  std::optional<std::map<std::string, std::uint32_t>> code_pages;  // cp858: 19, ...
  std::optional<std::string> font;  // families for pango, in order of preference
};
BOOST_DESCRIBE_STRUCT(printer_config, (),
                      (output, path, png, text, address, connect_timeout_ms, confirm, drawer_open_pin, width,
                       columns, dpi, mode, code_pages, font))

// invalid_params with the key that does not fit.
result<paper> paper_of(const printer_config& config);
print_mode mode_of(const printer_config& config);
std::optional<confirm_level> level_of(const printer_config& config);

}  // namespace tilld::escpos
