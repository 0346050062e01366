// Who has one of the 256 places. Strangers, who have not signed on, get at most 64 of them, and whoever comes
// when there is none left gets the place of the stranger who is there longest, or else of a connection whose
// other side has ended its half. So neither those who only connect nor what crashed clients leave behind keep
// a till out that says who it is. [I/O thread]
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <vector>

#include "daemon/server/connection.hpp"

namespace tilld::daemon {

class places {
 public:
  static constexpr std::size_t strangers_max = 64;

  explicit places(std::size_t most) : most_(most) {}

  // Who has to go for one more to come: nobody (null) when there is a place left. Nothing when there is none
  // to be had. `reserve` is how many places there are for this one beyond those for all.
  std::optional<std::shared_ptr<connection>> room_for(bool stranger, std::size_t reserve = 0);
  void take(const std::shared_ptr<connection>& one) { members_.push_back(one); }
  // In the order in which they came, those that are ending included.
  std::vector<std::shared_ptr<connection>> all();

 private:
  std::size_t most_;
  std::vector<std::weak_ptr<connection>> members_;
};

}  // namespace tilld::daemon
