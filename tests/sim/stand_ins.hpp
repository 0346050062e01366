// What takes the place of the expensive and of the unpredictable in base/crypto.cpp: signatures that cost one
// hash and can be forged by anybody who wants to (nobody here does), and random octets out of the run's own
// generator. Hashes and message authentication codes stay what they are.
#pragma once

#include "base/bytes.hpp"
#include "tests/sim/world.hpp"

namespace tilld::sim {

// All random octets come from here until the next call. The generator must live as long.
void random_octets_from(chance& dice);
void random_octets(std::span<std::uint8_t> out);

void stand_in_signature(std::span<std::uint8_t> to, base::byte_view message, base::byte_view public_key);
bool stand_in_verifies(base::byte_view signature, base::byte_view message, base::byte_view public_key);

}  // namespace tilld::sim
