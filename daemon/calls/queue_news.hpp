// queue.changed and queue.destination_changed: how much waits for which destination, told when it changes. A
// busy till changes it with each sale, so it is told at most four times a second, and the last state always.
// [I/O thread]
#pragma once

#include <optional>
#include <string>
#include <vector>

#include <boost/asio/steady_timer.hpp>

#include "daemon/calls/parts.hpp"

namespace tilld::daemon {

// Why a person should look at a destination that takes nothing, or too little; nothing while it is within the
// limits of `alarm:` in tilld.yaml.
std::optional<std::string> lag_of(const till_parts& till, std::size_t which);

class queue_news {
 public:
  static constexpr auto at_most_every = std::chrono::milliseconds(250);

  explicit queue_news(till_parts& till);
  ~queue_news();

  // Something was recorded or acknowledged. Costs next to nothing while a telling is due.
  void changed();
  // A destination was reached, lost, or stopped for a person, or it begins or ends to lag behind; told at
  // once.
  void destination_changed(std::size_t which);

  // Looks whether a destination lags behind by more than the configuration allows; does so by itself every
  // minute.
  void look_at_lag();

 private:
  void tell();
  void look_again();

  till_parts& till_;
  boost::asio::steady_timer timer_, minute_;
  std::vector<bool> lagging_;
  std::string told_;
  bool due_ = false;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace tilld::daemon
