// The head of an HTTP/1.1 request, read strictly (RFC 9112): what two readers could understand differently is
// refused instead of interpreted. No I/O.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <boost/system/result.hpp>

namespace tilld::wire {

inline constexpr std::size_t http_head_size_max = 8 * 1024;
inline constexpr std::size_t http_fields_max = 64;

struct http_head {
  std::string method;
  std::string path, query;  // of the target; the query without its question mark
  // Names in lower case, values without the blanks around them, in the order in which they came.
  std::vector<std::pair<std::string, std::string>> fields;
  std::optional<std::uint64_t> content_length;
  bool chunked = false;

  // nullptr when there is none. Of a field that may come more than once, the first.
  const std::string* find(std::string_view lower_name) const;
  // Whether a list such as Connection or Sec-WebSocket-Protocol has this word; case does not count.
  bool lists(std::string_view lower_name, std::string_view lower_word) const;
};

struct http_fault {
  int status = 400;
  std::string why;
};

// Size of the head with the empty line behind it; npos while that has not come.
std::size_t http_head_size(std::string_view octets);

// `octets` is exactly one head. 400 for what is none or could be read in two ways: a line end other than
// CRLF, a folded line, blanks before a colon, control characters, an absolute target, a field twice that may
// stand once (Host, Origin, Authorization, Content-Length, ... also with the same value), Content-Length
// together with Transfer-Encoding, no Host. 505 for any version but 1.1, 501 for a transfer encoding other
// than chunked, 431 for more than 64 fields.
boost::system::result<http_head, http_fault> parse_http_head(std::string_view octets);

[[noreturn]] void throw_exception_from_error(const http_fault& e, const boost::source_location& where);

}  // namespace tilld::wire
