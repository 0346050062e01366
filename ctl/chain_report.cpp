#include "ctl/chain_report.hpp"

#include <boost/json.hpp>

namespace tilld::ctl {

bool chain_report::take(const base::record& next) {
  if (!whole()) return false;
  auto taken = follower_.take(next);
  if (!taken) {
    break_off(taken.error().detail);
    return false;
  }
  ++records_;
  ++kinds_[taken->kind];
  return true;
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
  return o;
}

}  // namespace tilld::ctl
