// Which keys tilld.yaml has: their types, limits, defaults and a sentence on each. Files are checked by it
// before config.cpp reads them, and editors get it as config/schema/*.json, so the two cannot differ.
#pragma once

#include <vector>

#include <boost/json/object.hpp>

#include "base/schema.hpp"

namespace tilld::daemon {

base::schema config_schema();   // of the whole
base::schema drop_in_schema();  // of each file by itself

struct printed_schema {
  const char* name;  // "tilld.schema.json"
  boost::json::object text;
};
std::vector<printed_schema> schemas_for_editors();

}  // namespace tilld::daemon
