// The JSON reader for plugins in C, beside Boost.JSON.
#include <tilld/json.h>

#include <cmath>

#include <boost/json.hpp>

#include "tests/fuzz/target.hpp"

namespace tilld::fuzz {
namespace {

namespace json = boost::json;

void compare(tilld_json c, const json::value& b, int depth) {
  std::string_view octets(c.begin, static_cast<std::size_t>(c.end - c.begin));
  int is_true = 7;
  bool is_bool = tilld_json_bool(c, &is_true);
  demand(is_bool == b.is_bool() && (!is_bool || (is_true != 0) == b.get_bool()), "true is true");
  std::int64_t number = 7;
  if (tilld_json_integer(c, &number)) {
    // Minus zero is an integer here and a fraction there.
    bool same =
        (b.is_int64() && b.get_int64() == number) || (b.is_double() && number == 0 && b.get_double() == 0);
    demand(same, "an integer is what it says");
  }
  char text[300];
  if (tilld_json_text(c, text, sizeof text)) {
    demand(b.is_string(), "text is text");
    demand(b.get_string() == text, "text is what it says");
    char quoted[6 * sizeof text + 3];
    auto size = tilld_json_quote(text, strlen(text), quoted, sizeof quoted);
    demand(size > 0 && size == strlen(quoted), "text can be written");
    json::error_code failed;
    json::parse(json::string_view(quoted, size), failed);
    demand(!failed, "what is written is JSON");
  }
  if (b.is_array() && depth < 40)
    for (std::size_t i = 0; i <= b.get_array().size(); ++i) {
      tilld_json element;
      bool there = tilld_json_element(c, i, &element);
      demand(there == (i < b.get_array().size()), "a list is as long as it is");
      if (there) compare(element, b.get_array()[i], depth + 1);
    }
}

// What one of the two readers takes as an object the other takes too, and they see the same members in it.
void eat(std::string_view octets) {
  // To its exact size, so that a look behind the end is seen.
  std::vector<char> exact(octets.begin(), octets.end());
  tilld_json body;
  bool c_takes = tilld_json_object({exact.data(), exact.size()}, &body);
  json::error_code failed;
  json::parse_options strict;
  strict.max_depth = TILLD_JSON_DEPTH_MAX + 1;
  auto value = exact.empty() ? json::value(json::object())
                             : json::parse({exact.data(), exact.size()}, failed, {}, strict);
  if (!c_takes) return;
  // Half a UTF-16 pair in an escape, and exponents that no double holds, are taken here and read by nobody.
  if (failed) {
    demand(octets.find("\\u") != octets.npos || octets.find_first_of("eE") != octets.npos,
           "what C takes is JSON");
    return;
  }
  demand(value.is_object(), "an object is an object");
  for (auto& member : value.get_object()) {
    tilld_json found;
    std::string name(member.key());
    if (name.find_first_of("\\\"") != name.npos || name.find('\0') != name.npos) continue;
    // Names with escapes are not found, and of two the first is.
    if (!tilld_json_member(body, name.c_str(), &found)) continue;
    json::error_code ignored;
    auto alone = json::parse({found.begin, static_cast<std::size_t>(found.end - found.begin)}, ignored);
    if (!ignored) compare(found, alone, 0);
  }
}

const target c_json{"c_json", eat};

}  // namespace
}  // namespace tilld::fuzz
