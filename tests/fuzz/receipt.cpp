// A receipt document on its way to a printer.
#include <map>

#include <boost/json.hpp>

#include "plugins/escpos-printer/escpos_bytes.hpp"
#include "plugins/escpos-printer/layout.hpp"
#include "plugins/escpos-printer/raster.hpp"
#include "plugins/escpos-printer/text.hpp"
#include "plugins/escpos-printer/typesetter.hpp"
#include "tests/fuzz/target.hpp"

namespace tilld::fuzz {
namespace {

namespace json = boost::json;
using namespace escpos;

// Commands that the encoder may use, with the octets that follow each. Anything else that is not text is
// something that a document put there.
std::size_t size_of_command(std::string_view at) {
  static const std::map<std::string_view, std::size_t> known{
      {"\x1b@", 2}, {"\x1c.", 2},    {"\x1dP", 4}, {"\x1bt", 3}, {"\x1b\x45", 3},
      {"\x1b-", 3}, {"\x1d\x42", 3}, {"\x1d!", 3}, {"\x1b$", 4}, {"\x1b\x33", 3},
      {"\x1bJ", 3}, {"\x1bp", 5},    {"\x1dV", 4}};
  if (at.starts_with("\x1dv0")) {
    if (at.size() < 8) return 0;
    auto octet = [&](std::size_t i) { return static_cast<std::size_t>(static_cast<unsigned char>(at[i])); };
    return 8 + (octet(4) + 256 * octet(5)) * (octet(6) + 256 * octet(7));
  }
  auto found = known.find(at.substr(0, 2));
  return found == known.end() ? 0 : found->second;
}

void check_octets(std::string_view sent) {
  // A printer obeys these three wherever they stand, in the middle of a picture too.
  for (auto pair : {"\x10\x04", "\x10\x05", "\x10\x14"})
    demand(sent.find(pair) == sent.npos, "no picture holds what a printer obeys at once");
  while (!sent.empty()) {
    auto first = static_cast<unsigned char>(sent.front());
    std::size_t size = first >= 0x20 && first != 0x7f ? 1 : first == '\n' ? 1 : size_of_command(sent);
    demand(size > 0, "no octet of a document is a command");
    demand(size <= sent.size(), "a command is whole");
    sent.remove_prefix(size);
  }
}

typesetter& type_for(const paper& on) {
  static std::map<int, typesetter> opened;
  auto found = opened.find(on.width_dots);
  if (found == opened.end())
    found = opened.emplace(on.width_dots, typesetter::open(on, default_font_families).value()).first;
  return found->second;
}

// No octet of a document reaches the printer as anything but text: below 0x20 there is LF and what our own
// encoder says. A receipt has its limits, and what is refused names its member.
void eat(std::string_view octets) {
  dice from(octets);
  auto how = from.octet();
  json::error_code failed;
  json::parse_options strict;
  strict.max_depth = 32;
  auto text = from.rest();
  auto value = json::parse(text, failed, {}, strict);
  if (failed || !value.is_object()) return;
  auto& object = value.get_object();
  auto* slots = object.if_contains("slots");
  auto got = read_document(object, slots ? slots->if_object() : nullptr, text.substr(0, 64));
  if (!got) {
    demand(got.error().code == errc::invalid_params && !got.error().detail.empty(),
           "a refusal names the member");
    return;
  }
  demand(got->body.size() <= elements_max, "a document has its limit");
  auto on = paper::of_width(how & 1 ? 58 : 80).value();
  auto laid = lay_out(*got, on, type_for(on));
  if (!laid) {
    demand(laid.error().code == errc::invalid_params || laid.error().code == errc::code_too_wide,
           "what cannot be laid out is the document's fault");
    return;
  }
  demand(laid->height <= height_dots_max, "a receipt is not endless");
  auto dots = paint(*laid, type_for(on), cut_marks::hidden);
  check_octets(as_escpos(*laid, dots, static_cast<print_mode>((how >> 1) % 3), got->copies, got->drawer));
  for (char c : as_text(*laid))
    demand(static_cast<unsigned char>(c) >= 0x20 || c == '\n', "the plain text has no control character");
}

const target receipt{"receipt", eat};

}  // namespace
}  // namespace tilld::fuzz
