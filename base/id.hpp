// Names of things: UUIDv7 (RFC 9562) for records, operations and customers; short names for till, branch,
// merchant.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.hpp"

namespace tilld::base {

struct uuid {
  std::array<std::uint8_t, 16> octets{};

  // 48 bits of milliseconds, 74 random bits. Two made in the same millisecond are in no particular order;
  // order among records is the sequence number's business, never the id's.
  static uuid v7(std::int64_t unix_ms);
  // The 36-character form, either case; nothing for anything else.
  static std::optional<uuid> parse(std::string_view text);

  std::string text() const;
  bool operator==(const uuid&) const = default;
  auto operator<=>(const uuid&) const = default;
};

// Till, branch, merchant and destination names: 1 to 32 of a-z 0-9 -
bool is_short_name(std::string_view text);

// Idempotency keys: 1 to 64 printable ASCII characters (0x21 to 0x7e and the space).
bool is_idempotency_key(std::string_view text);

}  // namespace tilld::base
