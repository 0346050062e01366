// Central's own chain: everything that central takes in or decides about a till gets a number of central's
// and a hash that covers all before it, so that a removed, changed or inserted row shows, whichever till it
// belongs to.
//   hash = SHA-256("tilld.central.1" | previous | u64 sequence | u8 kind | till (32, zero-padded) | content)
// The content of a record is its hash of 32 octets; that of an event is its text (JSON, stored as hashed).
// Integers are big-endian. docs/central.md has worked octets.
#pragma once

#include <string_view>

#include "base/bytes.hpp"

namespace tilld::central {

enum class entry_kind : std::uint8_t {
  record = 1,
  quarantined = 2,  // a till was stopped
  released = 3,     // a person let it go on
  restored = 4,     // a till showed an acknowledgement that central does not hold any more
  replaced = 5,     // a person gave the till's name to another device; what is lost is named
  completed = 6,    // a person brought records from another server that were missing here
  listed = 7,       // central.yaml names a till, with this key and epoch
  unlisted = 8,     // it names it no more
};
std::string_view name(entry_kind kind);

struct own_head {
  std::uint64_t sequence = 0;
  base::hash256 hash{};
  bool operator==(const own_head&) const = default;
};

base::hash256 entry_hash(const base::hash256& previous, std::uint64_t sequence, entry_kind kind,
                         std::string_view till, base::byte_view content);

}  // namespace tilld::central
