// Reading params without ceremony: each function says which member is wrong.
#pragma once

#include <optional>
#include <string>

#include <boost/json/object.hpp>

#include "base/error.hpp"

namespace tilld::daemon {

inline base::error invalid_member(std::string_view name, std::string_view why) {
  return {base::errc::invalid_params, std::string(name) + ": " + std::string(why)};
}

inline base::result<std::optional<std::string>> optional_text(const boost::json::object& params,
                                                              std::string_view name, std::size_t size_max) {
  auto* value = params.if_contains(boost::json::string_view(name.data(), name.size()));
  if (!value || value->is_null()) return std::optional<std::string>();
  if (!value->is_string()) return invalid_member(name, "must be a text");
  if (value->get_string().size() > size_max) return invalid_member(name, "is too long");
  return std::optional(std::string(value->get_string()));
}

inline base::result<std::string> needed_text(const boost::json::object& params, std::string_view name,
                                             std::size_t size_max) {
  auto text = optional_text(params, name, size_max);
  if (!text) return text.error();
  if (!*text || (*text)->empty()) return invalid_member(name, "is missing");
  return **text;
}

inline base::result<std::optional<std::int64_t>> optional_integer(const boost::json::object& params,
                                                                  std::string_view name, std::int64_t least,
                                                                  std::int64_t most) {
  auto* value = params.if_contains(boost::json::string_view(name.data(), name.size()));
  if (!value || value->is_null()) return std::optional<std::int64_t>();
  if (!value->is_int64() || value->get_int64() < least || value->get_int64() > most)
    return invalid_member(name,
                          "must be an integer from " + std::to_string(least) + " to " + std::to_string(most));
  return std::optional(value->get_int64());
}

}  // namespace tilld::daemon
