// The text of a schema file, indented so that a change shows in a diff.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>

#include "plugin-api/catalogue.hpp"

namespace tilld::catalogue {

// "tilld.printer/1" lies in tilld.printer.1.json.
inline std::string schema_file_name(std::string_view interface) {
  std::string name(interface);
  std::replace(name.begin(), name.end(), '/', '.');
  return name + ".json";
}

namespace detail {

// A value without objects stays on its line.
inline bool is_flat(const boost::json::value& value) {
  if (value.is_object()) return value.get_object().empty();
  if (!value.is_array()) return true;
  return std::all_of(value.get_array().begin(), value.get_array().end(), is_flat);
}

inline void indent(std::string& to, const boost::json::value& value, std::size_t depth) {
  const auto* object = value.if_object();
  const bool small =
      object && std::all_of(object->begin(), object->end(), [](const auto& e) { return is_flat(e.value()); });
  if (!object || small) {
    to += boost::json::serialize(value);
    return;
  }
  to += "{\n";
  for (const auto& entry : *object) {
    to.append(2 * depth + 2, ' ') += boost::json::serialize(entry.key()) + ": ";
    indent(to, entry.value(), depth + 1);
    to += &entry == &*std::prev(object->end()) ? "\n" : ",\n";
  }
  to.append(2 * depth, ' ') += "}";
}

}  // namespace detail

inline std::string schema_text(std::string_view interface) {
  std::string text;
  detail::indent(text, schema(interface).value_or(boost::json::object()), 0);
  return text + "\n";
}

}  // namespace tilld::catalogue
