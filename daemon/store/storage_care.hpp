// What a till does for its storage beside the sales: it goes through everything that is stored and names what
// is damaged, and keeps copies of the journal in a second folder.
//
// All of it in slices of a few milliseconds, which are pieces of work for the store like any other; while the
// till sells there is one every half second. A day after the last one came to its end each begins anew.
// [I/O thread]
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>

#include "daemon/store/store.hpp"

namespace tilld::daemon {

class storage_care {
 public:
  struct settings {
    std::string till;
    std::string backup_folder;  // empty: no copies
    std::chrono::hours backup_every{24};
    std::size_t backups_kept = 7;
    std::chrono::milliseconds idle_pause{20}, busy_pause{500};
  };

  enum class state { waiting, running, done, failed };

  struct check_report {
    state now = state::waiting;
    std::uint64_t records = 0;                // of the journal, looked at so far
    std::optional<std::int64_t> finished_ms;  // the last one
    std::vector<damage> damaged;              // found by the last one and so far by this one
  };
  struct backup_report {
    state now = state::waiting;
    std::optional<std::int64_t> finished_ms;  // of the last good one
    std::string file;                         // its name
    std::string why;                          // the last one failed
  };

  // The store must outlive what is in hand: stop() is called before it goes.
  storage_care(boost::asio::any_io_executor executor, store& journal, const base::clock& clock, settings how);
  ~storage_care();

  void start();
  void stop();

  const check_report& check() const { return check_; }
  const backup_report& backup() const { return backup_; }
  bool makes_backups() const { return !how_.backup_folder.empty(); }
  const std::string& backup_folder() const { return how_.backup_folder; }

 private:
  struct check_in_hand;
  struct backup_in_hand;
  void wait(std::chrono::milliseconds pause);
  void turn();
  void check_slice();
  void check_ended();
  void backup_slice();
  void verify_backup();
  void backup_ended(base::result<> outcome);

  boost::asio::any_io_executor executor_;
  store& journal_;
  const base::clock& clock_;
  settings how_;
  boost::asio::steady_timer timer_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
  boost::asio::thread_pool aside_{1};  // looks through a copy that is complete

  check_report check_;
  backup_report backup_;
  std::shared_ptr<check_in_hand> checking_;
  std::shared_ptr<backup_in_hand> copying_;
  std::chrono::steady_clock::time_point next_check_, next_backup_, last_slice_;
  std::uint64_t commits_seen_ = 0;
  bool slice_in_hand_ = false;
};

}  // namespace tilld::daemon
