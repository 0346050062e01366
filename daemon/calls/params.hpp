// Reading params without ceremony.
#pragma once

#include <optional>
#include <string>

#include <boost/json/object.hpp>

#include "base/error.hpp"

namespace tilld::daemon {

// Of any integer in params: what every language can read as a number.
inline constexpr std::int64_t number_max = (std::int64_t(1) << 53) - 1;

inline base::error invalid_member(std::string_view name, std::string_view why) {
  return {base::errc::invalid_params, std::string(name) + ": " + std::string(why)};
}

// The member, of params that were compared with their schema: nothing when it is left out or null.
inline std::optional<std::string> text_in(const boost::json::object& params, std::string_view name) {
  auto* value = params.if_contains(boost::json::string_view(name.data(), name.size()));
  if (!value || !value->is_string()) return std::nullopt;
  return std::string(value->get_string());
}

inline std::optional<std::int64_t> integer_in(const boost::json::object& params, std::string_view name) {
  auto* value = params.if_contains(boost::json::string_view(name.data(), name.size()));
  if (!value || !value->is_int64()) return std::nullopt;
  return value->get_int64();
}

}  // namespace tilld::daemon
