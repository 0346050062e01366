// The payloads of the sync protocol: a hostile till's and a hostile central's.
#include "tests/fuzz/target.hpp"
#include "wire/sync.hpp"

namespace tilld::fuzz {
namespace {

namespace sync = wire::sync;

template <class Message>
void round_trip(base::byte_view payload) {
  auto got = Message::parse(payload);
  if (!got) {
    demand(got.error().code == base::errc::parse_error || got.error().code == base::errc::record_damaged,
           "what is no message is said to be none");
    return;
  }
  auto again = got->encode();
  demand(std::equal(again.begin(), again.end(), payload.begin(), payload.end()),
         "there is one spelling of a message");
}

// There is exactly one spelling of each message: what can be read is, written again, the same octets.
void eat(std::string_view octets) {
  dice from(octets);
  auto which = from.up_to(8);
  auto payload = base::as_bytes(from.rest());
  switch (which) {
    case 0: round_trip<sync::hello>(payload); break;
    case 1: round_trip<sync::challenge>(payload); break;
    case 2: round_trip<sync::proof>(payload); break;
    case 3: round_trip<sync::welcome>(payload); break;
    case 4: {
      round_trip<sync::refusal>(payload);
      if (auto r = sync::refusal::parse(payload))
        demand(!to_string(r->as_error()).empty(), "a refusal has words");
      break;
    }
    case 5: round_trip<sync::append>(payload); break;
    case 6: round_trip<sync::acknowledgement>(payload); break;
    case 7: round_trip<sync::call>(payload); break;
    default:
      round_trip<sync::witness>(payload);
      // Kept as evidence, so it is read again years later.
      if (auto head = sync::head_in_proof_text(payload, "till-1"))
        demand(payload.size() > 32, "a head is found in a proof only");
  }
}

const target sync_messages{"sync_messages", eat};

}  // namespace
}  // namespace tilld::fuzz
