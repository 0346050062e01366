// JSON for people: indented, so that a change shows in a diff, with what is flat on its line.
#pragma once

#include <string>

#include <boost/json/value.hpp>

namespace tilld::base {

// With a newline at the end.
std::string indented(const boost::json::value& v);

}  // namespace tilld::base
