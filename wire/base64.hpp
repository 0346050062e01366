// Base64 (RFC 4648 section 4, with padding) for blobs that travel inside JSON.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace tilld::wire {

std::string to_base64(std::string_view octets);
// Nothing for anything that is not exactly base64: no white space, no missing padding.
std::optional<std::string> from_base64(std::string_view text);

}  // namespace tilld::wire
