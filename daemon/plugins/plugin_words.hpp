// Reading what a plugin says of itself and of its failures. Nothing that it says is trusted further than it
// reaches.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json/object.hpp>

#include "base/error.hpp"

namespace tilld::daemon {

// From the message hello of its host.
struct plugin_self_description {
  std::string id, version, summary;
  std::vector<std::string> provides, uses;
  int landlock_abi = 0;
  bool paths_restricted = false;
  std::string sandbox_note;
};

plugin_self_description read_hello(std::string_view body);

// What a status other than OK with its body {"detail", "kind"?} means in the registry. A kind counts only
// when it is one of money or devices: storage or sign-on are not a plugin's to report.
base::error error_of(std::int32_t status, std::string_view body);

// What is wrong with the body of a status other than OK; nothing where it is {"detail", "kind"?}.
std::optional<std::string> complaint_about_failure(std::string_view body);

// A JSON object, or an empty one for anything else.
boost::json::object parsed_object(std::string_view text);
// Empty when it is not there or no text.
std::string text_member(const boost::json::object& from, std::string_view name);

}  // namespace tilld::daemon
