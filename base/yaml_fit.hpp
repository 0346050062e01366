// A YAML document against a schema: the same complaints as base/schema.hpp has, with file, line and column.
#pragma once

#include "base/schema.hpp"
#include "base/yaml.hpp"

namespace tilld::base {

// The first thing that does not fit. config_unknown_key for a key that the schema does not have, with the one
// that was probably meant; config_wrong_value for the rest, for keys that stand there twice and for keys that
// are missing. An empty value stands for a key that is left out.
result<> fits(const yaml_value& document, const schema& s);

}  // namespace tilld::base
