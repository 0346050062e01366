// Which keys central.yaml has: their types, limits, defaults and a sentence on each. The file is checked by
// it before config.cpp reads it, and editors get it as config/schema/central.schema.json, so the two cannot
// differ.
#pragma once

#include <boost/json/object.hpp>

#include "base/schema.hpp"

namespace tilld::central {

base::schema config_schema();
boost::json::object schema_for_editors();

}  // namespace tilld::central
