// A network of one's own, with nothing in it but the loopback device: what is done to it is felt by nobody
// else.
#pragma once

#include <optional>
#include <string>

namespace tilld::network {

// Moves this process, and with it every program that it starts, into a network namespace of its own, and lets
// the kernel give up on lost connections soon. The sentence says why it could not be done: no right to it, or
// no nft(8).
std::optional<std::string> enter_own_network();

// Hands a whole ruleset to nft(8), in the place of the one before; an empty one lets everything through.
// Ends the program when nft does not take it.
void set_rules(const std::string& ruleset);

}  // namespace tilld::network
