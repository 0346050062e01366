// Text of a plugin, made fit for a JSON string that somebody else must be able to read.
#pragma once

#include <string>
#include <string_view>

namespace tilld::daemon::plugin_host {

// Valid UTF-8 stays as it is; other octets and control characters become '?'. A character that is cut at the
// end goes.
std::string readable(std::string_view text);

}  // namespace tilld::daemon::plugin_host
