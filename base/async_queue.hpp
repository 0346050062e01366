// A queue between coroutines of one thread: push never waits, pop waits until there is something or the
// deadline is there. Boost 1.81's channel cannot be used after a cancelled receive, and racing a receive
// against a timer with || loses items; here the deadline is the queue's own timer, so a pop either takes an
// item or takes none.
#pragma once

#include <chrono>
#include <deque>
#include <optional>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>

#include "base/as_result.hpp"

namespace tilld::base {

template <class Item>
class async_queue {
 public:
  explicit async_queue(boost::asio::any_io_executor executor) : wake_(std::move(executor)) {
    wake_.expires_at(never());
  }

  void push(Item item) {
    items_.push_back(std::move(item));
    wake_.cancel();
  }

  // Nobody waits any more and nothing more is taken; what is queued can still be popped.
  void close() {
    closed_ = true;
    wake_.cancel();
  }

  // Nothing when the deadline passed or the queue was closed and is empty. One waiter at a time.
  boost::asio::awaitable<std::optional<Item>> pop(
      std::chrono::steady_clock::time_point deadline = std::chrono::steady_clock::time_point::max()) {
    while (items_.empty() && !closed_) {
      if (std::chrono::steady_clock::now() >= deadline) co_return std::nullopt;
      wake_.expires_at(deadline);
      co_await wake_.async_wait(as_result);
    }
    if (items_.empty()) co_return std::nullopt;
    std::optional<Item> taken(std::move(items_.front()));
    items_.pop_front();
    co_return taken;
  }

  std::size_t size() const { return items_.size(); }
  bool empty() const { return items_.empty(); }

 private:
  static std::chrono::steady_clock::time_point never() {
    return std::chrono::steady_clock::time_point::max();
  }
  std::deque<Item> items_;
  boost::asio::steady_timer wake_;
  bool closed_ = false;
};

}  // namespace tilld::base
