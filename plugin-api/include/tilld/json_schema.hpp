// The JSON Schema (draft-07) of a described type. The schemas in plugin-api/schema and the config schema in a
// plugin's descriptor are printed by it, so that a type is written once.
#pragma once

#include <limits>
#include <string>

#include <boost/json.hpp>

#include <tilld/json_reader.hpp>

namespace tilld {

template <class T>
boost::json::object schema_of(unknown_members unknown = unknown_members::ignored) {
  using namespace detail;
  namespace json = boost::json;
  if constexpr (requires { T::schema; }) {
    return json::parse(T::schema).as_object();
  } else if constexpr (std::same_as<T, json::value>) {
    return {};
  } else if constexpr (std::same_as<T, json::object>) {
    return {{"type", "object"}};
  } else if constexpr (std::same_as<T, bool>) {
    return {{"type", "boolean"}};
  } else if constexpr (std::integral<T>) {
    json::object integer{{"type", "integer"}};
    if (std::is_unsigned_v<T> || sizeof(T) < 8) integer["minimum"] = std::numeric_limits<T>::min();
    if (sizeof(T) < 8) integer["maximum"] = std::numeric_limits<T>::max();
    return integer;
  } else if constexpr (std::floating_point<T>) {
    return {{"type", "number"}};
  } else if constexpr (std::same_as<T, std::string>) {
    return {{"type", "string"}};
  } else if constexpr (described_enum<T>) {
    // An enum that may grow shows its names as examples: a validator must not refuse a name of tomorrow.
    json::array names;
    bool open = false;
    boost::mp11::mp_for_each<boost::describe::describe_enumerators<T>>([&](auto d) {
      names.push_back(json::string(wire_name(d.name)));
      open = open || wire_name(d.name) == "unknown";
    });
    return {{"type", "string"}, {open ? "examples" : "enum", names}};
  } else if constexpr (is_optional<T>) {
    return schema_of<typename T::value_type>(unknown);
  } else if constexpr (is_vector<T>) {
    return {{"type", "array"}, {"items", schema_of<typename T::value_type>(unknown)}};
  } else if constexpr (is_map<T>) {
    return {{"type", "object"}, {"additionalProperties", schema_of<typename T::mapped_type>(unknown)}};
  } else {
    static_assert(described_struct<T>,
                  "describe this type with BOOST_DESCRIBE_STRUCT or BOOST_DESCRIBE_ENUM");
    json::object properties;
    json::array required;
    boost::mp11::mp_for_each<members_of<T>>([&](auto d) {
      using member = std::remove_cvref_t<decltype(std::declval<T&>().*d.pointer)>;
      properties[wire_name(d.name)] = schema_of<member>(unknown);
      if (!is_optional<member>) required.push_back(json::string(wire_name(d.name)));
    });
    json::object schema{{"type", "object"}, {"properties", properties}};
    if (!required.empty()) schema["required"] = required;
    if (unknown == unknown_members::refused) schema["additionalProperties"] = false;
    return schema;
  }
}

}  // namespace tilld
