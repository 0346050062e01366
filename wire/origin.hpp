// The origin of a web page (RFC 6454) as a browser writes it into the field Origin: scheme, host and, where
// it is not the scheme's own, port; all in lower case and nothing behind.
#pragma once

#include <string>
#include <string_view>

#include "base/error.hpp"

namespace tilld::wire {

// What a person wrote as the browser will spell it: in lower case, without the scheme's own port, without a
// slash at the end. config_wrong_value for a wildcard, for null and file:// (every sandboxed page and every
// file has those), for anything behind the port, and for http:// on another machine: whoever sits in between
// could put words of his own into such a page.
base::result<std::string> parse_origin(std::string_view text);

}  // namespace tilld::wire
