// What is in effect, as YAML that could be read again, each value with the file and line that it comes from.
#pragma once

#include <string>

#include "daemon/config/layers.hpp"

namespace tilld::daemon {

// Of files that were read without a complaint. Values of plugins whose keys sound like a secret (password,
// token, pin, key, ...) are not shown, nor is what stands before the @ of an address.
std::string effective_config(const layers& from);

}  // namespace tilld::daemon
