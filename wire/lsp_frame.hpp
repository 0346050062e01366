// The framing of the Language Server Protocol (base protocol 0.9), which JSON-RPC libraries of editors speak:
//
//   Content-Length: 58\r\n
//   \r\n
//   {"jsonrpc":"2.0",...}
//
// Only Content-Length counts; any other header line is passed over. No I/O.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/error.hpp"

namespace tilld::wire {

inline constexpr std::size_t lsp_header_size_max = 1024;

// Cuts a stream of octets into messages. After an error (parse_error for a header that cannot be read,
// message_too_large for more than line_size_max) the beginning of the next message is not known any more and
// the stream must be closed.
class lsp_splitter {
 public:
  // Octets to be split next. The views that next() gave before are invalid after this.
  void feed(std::string_view octets);
  // The next whole message, or nothing when more octets are needed.
  base::result<std::optional<std::string_view>> next();
  // As those of line_splitter.
  void rest();
  std::size_t memory() const { return buffer_.capacity(); }

 private:
  std::string buffer_;
  std::size_t begin_ = 0;              // of what was not given out
  std::optional<std::size_t> length_;  // of the message whose header was read
};

// Appends a whole message with its header.
void append_lsp_message(std::string& out, std::string_view text);

}  // namespace tilld::wire
