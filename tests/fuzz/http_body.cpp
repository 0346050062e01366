// The body of a request, by length or in chunks.
#include "daemon/server/http_body.hpp"

#include "tests/fuzz/target.hpp"

namespace tilld::fuzz {
namespace {

constexpr std::size_t octets_max = 4096;

struct outcome {
  int status = 0;
  bool whole = false;
  std::string body;
  std::size_t used = 0;
  bool operator==(const outcome&) const = default;
};

outcome read(const wire::http_head& head, const std::vector<std::string_view>& pieces) {
  outcome got;
  daemon::http_body body(head, octets_max);
  std::string held;
  for (auto piece : pieces) {
    held += piece;
    auto used = body.feed(held);
    if (!used) {
      got.status = used.error().status;
      return got;
    }
    demand(*used <= held.size(), "nothing is used that was not given");
    got.used += *used;
    held.erase(0, *used);
    demand(held.size() <= 16 * 1024, "what frames a body is bounded");
    if (body.whole()) break;
  }
  got.whole = body.whole();
  got.body = body.take();
  demand(got.body.size() <= octets_max, "a body is bounded");
  return got;
}

// Pieces change nothing, the limit holds, and a body by length is the octets themselves.
void eat(std::string_view octets) {
  dice from(octets);
  wire::http_head head;
  head.chunked = from.octet() & 1;
  if (!head.chunked) head.content_length = from.up_to(octets_max);
  auto rest = from.rest();
  auto whole = read(head, {rest}), parts = read(head, in_pieces(rest));
  demand(whole.status == parts.status, "pieces do not change what is refused");
  if (whole.status != 0) {
    demand(whole.status == 400 || whole.status == 413 || whole.status == 431, "a fault is one of three");
    return;
  }
  demand(whole.whole == parts.whole && whole.body == parts.body, "pieces do not change the body");
  if (!head.chunked && whole.whole)
    demand(whole.body == rest.substr(0, *head.content_length), "a body is what its length says");
}

const target http_body{"http_body", eat};

}  // namespace
}  // namespace tilld::fuzz
