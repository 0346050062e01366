// Reading the daemon's answers without ceremony. A member that is missing or of another type reads as
// nothing, so that tillctl can show the answer of a daemon that is newer or older than itself.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <boost/json.hpp>

namespace tilld::ctl {

inline const boost::json::value* member(const boost::json::object& from, std::string_view name) {
  return from.if_contains(boost::json::string_view(name.data(), name.size()));
}

inline std::string text_of(const boost::json::object& from, std::string_view name) {
  auto* v = member(from, name);
  return v && v->is_string() ? std::string(v->get_string()) : std::string();
}

inline std::optional<std::int64_t> integer_of(const boost::json::object& from, std::string_view name) {
  auto* v = member(from, name);
  if (!v || !v->is_number()) return std::nullopt;
  boost::system::error_code failed;
  auto n = v->to_number<std::int64_t>(failed);
  if (failed) return std::nullopt;
  return n;
}

inline bool flag_of(const boost::json::object& from, std::string_view name) {
  auto* v = member(from, name);
  return v && v->is_bool() && v->get_bool();
}

inline const boost::json::object& object_of(const boost::json::object& from, std::string_view name) {
  static const boost::json::object nothing;
  auto* v = member(from, name);
  return v && v->is_object() ? v->get_object() : nothing;
}

inline const boost::json::array& list_of(const boost::json::object& from, std::string_view name) {
  static const boost::json::array nothing;
  auto* v = member(from, name);
  return v && v->is_array() ? v->get_array() : nothing;
}

}  // namespace tilld::ctl
