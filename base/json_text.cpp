#include "base/json_text.hpp"

#include <algorithm>

#include <boost/json.hpp>

namespace tilld::base {

namespace json = boost::json;

namespace {

constexpr std::size_t line_max = 110;

void put(std::string& to, const json::value& v, std::size_t depth, std::size_t before) {
  auto plain = json::serialize(v);
  auto* object = v.if_object();
  auto* list = v.if_array();
  bool whole = (!object && !list) || plain.size() <= 2 || before + plain.size() <= line_max;
  if (whole) {
    to += plain;
    return;
  }
  to += object ? "{\n" : "[\n";
  std::size_t left = object ? object->size() : list->size();
  auto begin_line = [&] { to.append(2 * depth + 2, ' '); };
  auto end_line = [&] { to += --left > 0 ? ",\n" : "\n"; };
  if (object)
    for (auto& [name, one] : *object) {
      begin_line();
      auto key = json::serialize(json::value(name)) + ": ";
      to += key;
      put(to, one, depth + 1, 2 * depth + 3 + key.size());
      end_line();
    }
  else
    for (auto& one : *list) {
      begin_line();
      put(to, one, depth + 1, 2 * depth + 3);
      end_line();
    }
  to.append(2 * depth, ' ');
  to += object ? '}' : ']';
}

}  // namespace

std::string indented(const json::value& v) {
  std::string text;
  put(text, v, 0, 0);
  return text + "\n";
}

}  // namespace tilld::base
