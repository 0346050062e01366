// JSON in one spelling, so that two requests with the same meaning have the same octets: members sorted by
// name (as octets), no white space, integers as written, strings with the shortest escapes.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

namespace tilld::base {

std::string canonical_json(const boost::json::value& value);
// The same of an object without one of its members.
std::string canonical_json(const boost::json::object& members, std::string_view without);

// Removes the members that the paths name ("pin", "card.track"), at the top level and along the dots; a path
// goes through every element of a list on its way. Missing ones are no error.
void remove_members(boost::json::value& from, std::span<const std::string_view> paths);

}  // namespace tilld::base
