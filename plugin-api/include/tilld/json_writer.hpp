// Writes a described struct as the JSON object that it stands for. Empty optional members are left out.
#pragma once

#include <string>
#include <utility>

#include <boost/json.hpp>

#include <tilld/json_reader.hpp>

namespace tilld {

// Throws failure(TILLD_E_INTERNAL) for a value that may not be sent: an amount of money out of bounds, an
// enum value without a name.
template <class T>
boost::json::value to_json(const T& from) {
  using namespace detail;
  if constexpr (std::same_as<T, boost::json::value> || std::same_as<T, boost::json::object> ||
                std::same_as<T, bool> || std::integral<T> || std::floating_point<T>) {
    return from;
  } else if constexpr (std::same_as<T, std::string>) {
    return boost::json::string(from);
  } else if constexpr (described_enum<T>) {
    std::string_view name;
    boost::mp11::mp_for_each<boost::describe::describe_enumerators<T>>([&](auto d) {
      if (d.value == from) name = wire_name(d.name);
    });
    if (name.empty()) throw failure(TILLD_E_INTERNAL, "an enum value without a name");
    return boost::json::string(name);
  } else if constexpr (is_optional<T>) {
    return from ? to_json(*from) : boost::json::value();
  } else if constexpr (is_vector<T>) {
    boost::json::array array;
    array.reserve(from.size());
    for (const auto& element : from) array.push_back(to_json(element));
    return array;
  } else if constexpr (is_map<T>) {
    boost::json::object object;
    for (const auto& [key, element] : from) object[key] = to_json(element);
    return object;
  } else {
    static_assert(described_struct<T>,
                  "describe this type with BOOST_DESCRIBE_STRUCT or BOOST_DESCRIBE_ENUM");
    if constexpr (requires { from.complaint(); }) {
      if (const char* why = from.complaint()) throw failure(TILLD_E_INTERNAL, why);
    }
    boost::json::object object;
    boost::mp11::mp_for_each<members_of<T>>([&](auto d) {
      const auto& member = from.*d.pointer;
      if constexpr (is_optional<std::remove_cvref_t<decltype(member)>>) {
        if (member) object[wire_name(d.name)] = to_json(*member);
      } else {
        object[wire_name(d.name)] = to_json(member);
      }
    });
    return object;
  }
}

template <class T>
std::string to_body(const T& from) {
  return boost::json::serialize(to_json(from));
}

}  // namespace tilld
