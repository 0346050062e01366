// Base64 as the documents carry their pictures in it.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace tilld::escpos {

// RFC 4648 section 4 with padding, and nothing else: no blanks, no line ends, no missing padding.
std::optional<std::string> decode_base64(std::string_view text);

}  // namespace tilld::escpos
