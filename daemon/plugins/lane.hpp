// The queue before one device: a few requests are with it at a time, the others wait here, cashier work
// before background work. [I/O thread]
#pragma once

#include <chrono>
#include <deque>
#include <memory>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>

#include "base/cancellation.hpp"

namespace tilld::daemon {

enum class urgency { cashier, background };

class lane {
 public:
  // At most `width` are in, at most `waiting_max` wait.
  lane(boost::asio::any_io_executor executor, std::size_t width, std::size_t waiting_max)
      : executor_(std::move(executor)), width_(width), waiting_max_(waiting_max) {}

  // True when there is a place, which leave() gives back; false when too many wait already, the deadline
  // passed, or it was cancelled while it waited.
  boost::asio::awaitable<bool> enter(urgency how, std::chrono::steady_clock::time_point until,
                                     std::shared_ptr<base::cancellation> cancel = nullptr);
  void leave();
  std::size_t waiting() const { return cashier_.size() + background_.size(); }

 private:
  struct waiter {
    boost::asio::steady_timer timer;
    bool let_in = false;
  };
  boost::asio::any_io_executor executor_;
  std::size_t width_, waiting_max_;
  std::size_t inside_ = 0;
  std::deque<std::shared_ptr<waiter>> cashier_, background_;
};

}  // namespace tilld::daemon
