#include "wire/chain_report.hpp"

#include <boost/json.hpp>

#include "base/checkpoint.hpp"

namespace tilld::wire {

bool chain_report::take(const base::record& next) {
  if (!whole()) return false;
  auto before = follower_.head();
  auto taken = follower_.take(next);
  if (!taken) {
    break_off(taken.error().detail);
    return false;
  }
  if (taken->kind == base::checkpoint_kind) {
    if (auto held = base::check_checkpoint(till_, before, next.body); !held) {
      follower_ = base::chain_follower(till_, before);
      break_off(held.error().detail);
      return false;
    }
    ++checkpoints_;
  }
  ++records_;
  ++kinds_[taken->kind];
  return true;
}

void chain_report::hear(const export_statement& said) {
  if (!whole()) return;
  ++statements_;
  auto who = said.by == export_statement::signer::till ? std::string("the till") : std::string("a server");
  auto number = "record " + std::to_string(said.head.sequence);
  if (!said.genuine(till_))
    return break_off("the word of " + who + " on " + number + " is not signed by its key");
  if (said.head.sequence == head().sequence && said.head != head())
    return break_off(who + " signed another " + number + " than the file has");
  if (said.head.sequence > head().sequence)
    break_off(who + " has signed up to " + number + "; the file ends before it");
}

void chain_report::break_off(std::string why) {
  if (whole()) why_ = why.empty() ? "damaged" : std::move(why);
}

boost::json::object chain_report::json() const {
  boost::json::object o{{"till", till_}, {"from", from_}, {"whole", whole()}, {"verified", head().sequence}};
  if (!whole()) {
    o["broken_at"] = head().sequence + 1;
    o["why"] = why_;
    return o;
  }
  o["hash"] = base::to_hex(head().hash);
  boost::json::object counts;
  for (auto& [kind, n] : kinds_) counts[kind] = n;
  o["kinds"] = std::move(counts);
  o["checkpoints"] = checkpoints_;
  o["statements"] = statements_;
  return o;
}

}  // namespace tilld::wire
