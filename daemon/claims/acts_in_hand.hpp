// What is in hand at devices and acts on them: who asked for it, by which claim. When a device goes to
// somebody else, the wish goes to whatever the new holder did not ask for, since what is printed or read from
// then on is the new holder's. A device that goes to nobody takes nothing away. [I/O thread]
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>

#include "base/cancellation.hpp"
#include "daemon/claims/claim_book.hpp"

namespace tilld::daemon {

class acts_in_hand {
 public:
  struct actor {
    std::string principal;
    std::uint64_t connection = 0;
    std::string claim;  // that it named, where it does not act by its connection
  };

  // In hand as long as it lives.
  class act {
   public:
    ~act();
    act(const act&) = delete;
    // Why it may not go on: somebody else holds the device now, and stays to be named although that may pass.
    const std::optional<base::error>& ended() const { return ended_; }
    // From now on the wish goes there; at once, where it was to go before.
    void heard_by(std::shared_ptr<base::cancellation> wish);

   private:
    friend class acts_in_hand;
    using all_acts = std::multimap<std::string, act*>;
    act() = default;
    actor who_;
    std::string under_;  // the claim that was held when it began; empty: the device was shared
    std::shared_ptr<base::cancellation> wish_;
    std::optional<base::error> ended_;
    std::shared_ptr<all_acts> all_;  // of which it is one
    all_acts::iterator place_;
  };

  // Of somebody who may act now. `wish` may be null, and come later by heard_by().
  std::shared_ptr<act> begin(const std::string& device, actor who, const std::optional<claim_view>& held,
                             std::shared_ptr<base::cancellation> wish);
  // The device has this holder now, or none.
  void holder_is(const std::string& device, const std::optional<claim_view>& now);

 private:
  std::shared_ptr<act::all_acts> all_ = std::make_shared<act::all_acts>();
};

}  // namespace tilld::daemon
