// The body of a request as it comes, by its length or in chunks (RFC 9112, section 7.1). The size of a chunk
// with its extensions, and all that follows the last chunk, are bounded like a head: 8 KiB each, and 64
// fields. Extensions and trailing fields are read away and mean nothing. No I/O: octets in, the body out.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include <boost/system/result.hpp>

#include "wire/http_head.hpp"

namespace tilld::daemon {

class http_body {
 public:
  http_body(const wire::http_head& head, std::size_t octets_max);

  // Takes of `octets` what it can use and says how many that were; the rest is to be given again with what
  // comes behind it. 413 when the body is too large, 431 when what frames it is, 400 when it cannot be read.
  // Not to be called after a fault.
  boost::system::result<std::size_t, wire::http_fault> feed(std::string_view octets);
  bool whole() const { return next_ == awaits::nothing; }
  // Octets that it holds.
  std::size_t memory() const { return body_.capacity(); }
  std::string take() { return std::move(body_); }

 private:
  enum class awaits { octets, end_of_chunk, size_of_chunk, trailing_field, nothing };

  std::optional<wire::http_fault> take_line(std::string_view line);

  std::size_t octets_max_;
  bool chunked_;
  awaits next_;
  std::uint64_t left_ = 0;  // of the body or of this chunk
  std::size_t trailing_octets_ = 0, trailing_fields_ = 0;
  std::string body_;
};

}  // namespace tilld::daemon
