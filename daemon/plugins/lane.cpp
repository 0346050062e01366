#include "daemon/plugins/lane.hpp"

#include "base/as_result.hpp"

namespace tilld::daemon {

namespace asio = boost::asio;

asio::awaitable<bool> lane::enter(urgency how, std::chrono::steady_clock::time_point until,
                                  std::shared_ptr<base::cancellation> cancel) {
  if (inside_ < width_) {
    ++inside_;
    co_return true;
  }
  if (waiting() >= waiting_max_) co_return false;
  auto mine = std::make_shared<waiter>(waiter{asio::steady_timer(executor_, until)});
  (how == urgency::cashier ? cashier_ : background_).push_back(mine);
  base::cancellation::stage waiting_here(cancel.get(), [mine] { mine->timer.cancel(); });
  co_await mine->timer.async_wait(base::as_result);
  if (mine->let_in) co_return true;
  std::erase(cashier_, mine);
  std::erase(background_, mine);
  co_return false;
}

// The place goes straight to the next one, so that nobody can slip in between.
void lane::leave() {
  auto& queue = !cashier_.empty() ? cashier_ : background_;
  if (queue.empty()) {
    --inside_;
    return;
  }
  auto next = queue.front();
  queue.pop_front();
  next->let_in = true;
  next->timer.cancel();
}

}  // namespace tilld::daemon
