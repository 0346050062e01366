#include "tests/sim/stand_ins.hpp"

#include <algorithm>

#include "base/crypto.hpp"

namespace tilld::sim {
namespace {

chance* source = nullptr;
chance before_the_first_run(1);

}  // namespace

void random_octets_from(chance& dice) { source = &dice; }

void random_octets(std::span<std::uint8_t> out) {
  auto& dice = source ? *source : before_the_first_run;
  for (std::size_t at = 0; at < out.size(); at += 8) {
    auto eight = dice.next();
    for (std::size_t k = at; k < std::min(out.size(), at + 8); ++k, eight >>= 8)
      out[k] = static_cast<std::uint8_t>(eight);
  }
}

void stand_in_signature(std::span<std::uint8_t> to, base::byte_view message, base::byte_view public_key) {
  auto hash = base::sha256({base::as_bytes("stand-in"), public_key, message});
  std::fill(to.begin(), to.end(), std::uint8_t{0});
  std::copy(hash.begin(), hash.end(), to.begin());
}

bool stand_in_verifies(base::byte_view signature, base::byte_view message, base::byte_view public_key) {
  std::array<std::uint8_t, 64> expected;
  stand_in_signature(expected, message, public_key);
  return std::equal(signature.begin(), signature.end(), expected.begin(), expected.end());
}

}  // namespace tilld::sim
