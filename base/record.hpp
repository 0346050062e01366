// The journal record, format 1: what a till writes, what travels, what central and every witness keep.
//
// A record is a header of 128 octets, a body (UTF-8 JSON, stored as received) and a hash that chains it to
// the record before it:
//   hash = SHA-256("tilld.journal.1" | hash of the record before | header | SHA-256(body))
// The first record of a till chains to 32 zero octets. Integers are big-endian. docs/journal-format.md has
// the layout with worked octets; record_test.cpp has the golden values. From the first release on neither
// changes.
#pragma once

#include <string>

#include "base/bytes.hpp"
#include "base/clock.hpp"
#include "base/error.hpp"
#include "base/id.hpp"

namespace tilld::base {

inline constexpr std::size_t record_header_size = 128;
inline constexpr std::size_t record_body_size_max = 1 << 20;
inline constexpr std::uint8_t record_format = 1;

struct record_header {
  std::uint32_t epoch = 1;     // grows when a till is replaced; the sequence runs on over epochs
  std::uint64_t sequence = 0;  // from 1, without gaps
  uuid id;                     // UUIDv7
  time_stamp happened;
  std::string till;  // short name
  std::string kind;  // "sale", "plugin.failed", ...; 1 to 24 of a-z 0-9 . _ -
  std::uint32_t body_size = 0;

  bool operator==(const record_header& other) const;
};

using record_header_bytes = std::array<std::uint8_t, record_header_size>;

bool is_record_kind(std::string_view text);

// The caller guarantees names that fit (is_short_name, is_record_kind).
record_header_bytes encode(const record_header& header);

// record_damaged when a format is unknown, a reserved octet is not zero or a name is not well-formed.
// Refusing what a later format may allow is intended: a reader that does not know a format must not vouch for
// it.
result<record_header> decode_record_header(byte_view octets);

hash256 record_hash(const hash256& previous, byte_view header, byte_view body);

// A record as it is stored and sent.
struct record {
  record_header_bytes header{};
  hash256 hash{};
  std::string body;

  result<record_header> decoded() const { return decode_record_header(header); }
  std::size_t wire_size() const { return header.size() + hash.size() + body.size(); }
};

// Where a chain stands: the last record's number and hash. {1, 0, zeros} is the beginning.
struct chain_head {
  std::uint32_t epoch = 1;
  std::uint64_t sequence = 0;
  hash256 hash{};
  bool operator==(const chain_head&) const = default;
};

// Follows a chain record by record. take() checks that the record is the next one of this till, that its
// epoch does not go back, and that its hash covers it; on an error the head stays where it was, and the
// detail names the number.
class chain_follower {
 public:
  explicit chain_follower(std::string till, chain_head from = {}) : till_(std::move(till)), head_(from) {}
  result<record_header> take(const record& next);
  const chain_head& head() const { return head_; }

 private:
  std::string till_;
  chain_head head_;
};

}  // namespace tilld::base
