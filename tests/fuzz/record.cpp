// Journal records as they lie on a disk or come over the line, and the follower of their chain.
#include "base/record.hpp"

#include "tests/fuzz/target.hpp"

namespace tilld::fuzz {
namespace {

void check_header(base::byte_view octets) {
  auto header = base::decode_record_header(octets);
  if (!header) return;
  auto again = base::encode(*header);
  demand(std::equal(again.begin(), again.end(), octets.begin(), octets.end()), "a header has one spelling");
  demand(header->sequence > 0 && header->epoch > 0 && base::is_short_name(header->till) &&
             base::is_record_kind(header->kind),
         "a header says what a header may say");
}

// Records whose headers come from the octets and whose hashes are right or wrong as the octets want.
void follow(dice& from) {
  base::chain_follower follower("till-1");
  base::hash256 previous{};
  for (std::uint64_t n = 1; n <= 6 && !from.empty(); ++n) {
    base::record_header h;
    h.sequence = n;
    h.till = "till-1";
    h.kind = "sale";
    base::record r;
    r.body = std::string(from.text());
    h.body_size = static_cast<std::uint32_t>(r.body.size());
    r.header = base::encode(h);
    r.hash = base::record_hash(previous, r.header, base::as_bytes(r.body));
    // One octet of the whole record is changed, or none.
    auto spoiled = from.up_to(400);
    std::size_t size = r.header.size() + r.hash.size() + r.body.size();
    bool is_spoiled = spoiled < size;
    if (is_spoiled) {
      auto bit = static_cast<std::uint8_t>(1u << from.up_to(7));
      if (spoiled < r.header.size())
        r.header[spoiled] ^= bit;
      else if (spoiled < r.header.size() + r.hash.size())
        r.hash[spoiled - r.header.size()] ^= bit;
      else
        r.body[spoiled - r.header.size() - r.hash.size()] ^= static_cast<char>(bit);
    }
    auto before = follower.head();
    auto taken = follower.take(r);
    demand(taken.has_value() != is_spoiled, "a changed bit is found, and an unchanged record taken");
    if (!taken) {
      demand(follower.head() == before, "the head stays where it was");
      --n;
      continue;
    }
    previous = r.hash;
  }
}

// A header that is taken has one spelling; no changed bit of a record gets past the follower.
void eat(std::string_view octets) {
  dice from(octets);
  if (from.octet() & 1)
    follow(from);
  else
    check_header(base::as_bytes(from.rest()));
}

const target record{"record", eat};

}  // namespace
}  // namespace tilld::fuzz
