// What a till may ask to compare its journal with what central holds, also while it is stopped here:
// prove.statement, central's signed word on where the till stands, and prove.hashes, the hashes of its
// records as they follow from the octets that lie here, computed anew. Neither changes anything. [one thread]
#pragma once

#include <string_view>

namespace tilld::central {

class server;

inline constexpr std::string_view proving_prefix = "prove.";

void add_proving_calls(server& s);

}  // namespace tilld::central
