// Whether a JSON Schema is one. base/schema.hpp checks values and takes schemas as they are; those of a
// stranger are looked at first.
#pragma once

#include <optional>
#include <string>

#include <boost/json/object.hpp>

namespace tilld::plugin_check {

// "properties.port: is not a schema"; nothing where it is well-formed. Of words that base/schema.hpp does not
// read nothing is said.
std::optional<std::string> schema_defect(const boost::json::object& schema);

}  // namespace tilld::plugin_check
