// Writes the till's signature over its journal into the journal: when `every` records stand behind the last
// checkpoint, at the first look at the clock on another day, and when the daemon is stopped in order. Sales
// wait for none of it: a checkpoint joins the next group of the store, or is one of its own. [I/O thread]
#pragma once

#include <optional>
#include <string>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>

#include "base/checkpoint.hpp"
#include "base/clock.hpp"
#include "daemon/store/store.hpp"

namespace tilld::daemon {

class checkpoints {
 public:
  struct options {
    std::string till;
    std::uint64_t every = 100;
  };
  // All of them must outlive the executor's work.
  checkpoints(boost::asio::any_io_executor executor, store& journal, const base::signing_key& key,
              const base::clock& clock, options how);
  ~checkpoints();
  checkpoints(const checkpoints&) = delete;

  // Reads where the last one stands; until that is known none is written. Looks at the clock from then on.
  void start();
  // Call after each commit.
  void grew();
  // Has another day begun (in the time of the shop) since the last one, and are there records behind it?
  void look_at_the_day();
  // The last one of an ordered stop; returns when it is durable or could not be written.
  boost::asio::awaitable<void> close();

  // Number of the last checkpoint's record; 0 before the first.
  std::uint64_t last() const { return last_; }

 private:
  struct written {
    std::uint64_t sequence = 0;
    std::int64_t at_ms = 0;
  };
  store::work point(std::string reason, std::shared_ptr<written> made);
  void write(std::string reason);
  void wrote(const written& made, const base::result<>& outcome);
  void arm();

  boost::asio::steady_timer timer_;
  store& journal_;
  const base::signing_key& key_;
  const base::clock& clock_;
  options how_;
  std::uint64_t last_ = 0;
  std::int64_t last_ms_ = 0;  // when the last one was written, or when this run began
  bool known_ = false, writing_ = false, complained_ = false;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace tilld::daemon
