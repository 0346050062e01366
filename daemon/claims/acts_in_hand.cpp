#include "daemon/claims/acts_in_hand.hpp"

#include <vector>

namespace tilld::daemon {

acts_in_hand::act::~act() {
  if (all_) all_->erase(place_);
}

void acts_in_hand::act::heard_by(std::shared_ptr<base::cancellation> wish) {
  wish_ = std::move(wish);
  if (ended_ && wish_) wish_->want();
}

std::shared_ptr<acts_in_hand::act> acts_in_hand::begin(const std::string& device, actor who,
                                                       const std::optional<claim_view>& held,
                                                       std::shared_ptr<base::cancellation> wish) {
  std::shared_ptr<act> one(new act);
  one->who_ = std::move(who);
  if (held) one->under_ = held->claim;
  one->wish_ = std::move(wish);
  one->place_ = all_->emplace(device, one.get());
  one->all_ = all_;
  return one;
}

void acts_in_hand::holder_is(const std::string& device, const std::optional<claim_view>& now) {
  if (!now) return;
  std::vector<std::shared_ptr<base::cancellation>> meant;
  auto [from, to] = all_->equal_range(device);
  for (auto at = from; at != to; ++at) {
    auto& one = *at->second;
    // A connection that took the claim up again is another one, and the claim still the same.
    if (one.ended_ || one.under_ == now->claim ||
        claim_book::is_holder(*now, one.who_.connection, one.who_.principal, one.who_.claim))
      continue;
    one.ended_ = claim_book::held_by(*now);
    if (one.wish_) meant.push_back(one.wish_);
  }
  // Whom the wish reaches may end at once, and its act with it.
  for (auto& wish : meant) wish->want();
}

}  // namespace tilld::daemon
