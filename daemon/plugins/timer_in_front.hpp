// A timer that stands in front of the deadlines of calls. Asio tells the kernel of each timer that becomes
// its earliest one, which with one call after the other is each call's deadline: a system call for an alarm
// that hardly ever rings. While calls come, this timer is always the earlier one; it rings once for nothing
// when they have ceased, and then rests. [I/O thread]
#pragma once

#include <chrono>
#include <memory>

#include <boost/asio/steady_timer.hpp>

namespace tilld::daemon {

class timer_in_front {
 public:
  explicit timer_in_front(boost::asio::any_io_executor executor)
      : mine_(std::make_shared<state>(std::move(executor))) {}
  ~timer_in_front() { mine_->timer.cancel(); }
  timer_in_front(const timer_in_front&) = delete;
  timer_in_front& operator=(const timer_in_front&) = delete;

  // Before the timer of a deadline is made.
  void stand() {
    if (mine_->standing) return;
    mine_->standing = true;
    mine_->timer.expires_after(std::chrono::milliseconds(500));
    mine_->timer.async_wait([mine = mine_](boost::system::error_code) { mine->standing = false; });
  }

 private:
  struct state {
    explicit state(boost::asio::any_io_executor executor) : timer(std::move(executor)) {}
    boost::asio::steady_timer timer;
    bool standing = false;
  };
  std::shared_ptr<state> mine_;
};

}  // namespace tilld::daemon
