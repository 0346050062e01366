// Several files of one till against each other and against what was signed: does the till's journal reach
// what every server signed, are all records the same, and which is the first that is not?
#pragma once

#include <memory>
#include <vector>

#include "verify/chain.hpp"

namespace tilld::verify {

// One signer and how far it goes.
struct party {
  word::signer by = word::signer::till;
  key who{};                // of a server; tills have a key an epoch
  std::uint64_t said = 0;   // the newest record that it signed for
  std::uint64_t shown = 0;  // the newest record in a file of its own; 0 without one
};

struct judgement {
  std::string till;
  std::vector<finding> findings;  // in the order of their records; empty is good
  std::vector<party> parties;
  std::uint64_t agreed = 0;  // up to here all parties have signed the same
  bool good() const { return findings.empty(); }
};

// `known` are the keys that have a say, of the till and of the servers; without any, each file's own keys are
// taken at their word, and the caller should say so.
judgement judge(const std::vector<std::unique_ptr<chain>>& files, const std::vector<key>& known);

}  // namespace tilld::verify
