#include "central/chain.hpp"

#include <algorithm>

#include "base/crypto.hpp"

namespace tilld::central {

std::string_view name(entry_kind kind) {
  switch (kind) {
    case entry_kind::record: return "record";
    case entry_kind::quarantined: return "quarantined";
    case entry_kind::released: return "released";
    case entry_kind::restored: return "restored";
    case entry_kind::replaced: return "replaced";
    case entry_kind::completed: return "completed";
    case entry_kind::listed: return "listed";
    case entry_kind::unlisted: return "unlisted";
  }
  return "unknown";
}

base::hash256 entry_hash(const base::hash256& previous, std::uint64_t sequence, entry_kind kind,
                         std::string_view till, base::byte_view content) {
  // One buffer of fixed places before the content, whose end is the end of all: nothing can be cut at another
  // place.
  std::array<std::uint8_t, 8 + 1 + 32> fixed{};
  base::store_big(fixed.data(), sequence);
  fixed[8] = static_cast<std::uint8_t>(kind);
  std::copy_n(till.begin(), std::min<std::size_t>(till.size(), 32), fixed.begin() + 9);
  return base::sha256({base::as_bytes("tilld.central.1"), previous, fixed, content});
}

}  // namespace tilld::central
