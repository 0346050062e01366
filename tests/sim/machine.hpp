// A machine with a disk, a clock and one process that lives and dies on it. The process is production code on
// an io_context that nobody runs but this: an event of the world goes in, everything that is ready is run,
// and what comes out goes back to the world. While the process waits for its disk it hears nothing; what
// arrives meanwhile is taken in together when it is back.
#pragma once

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include <boost/asio/io_context.hpp>

#include "base/clock.hpp"
#include "base/step.hpp"
#include "tests/sim/disk.hpp"
#include "tests/sim/world.hpp"

namespace tilld::sim {

class machine {
 public:
  machine(world& w, std::string name);
  virtual ~machine();
  machine(const machine&) = delete;

  const std::string& name() const { return name_; }
  bool up() const { return io_ != nullptr; }
  std::uint64_t life() const { return life_; }

  // Starts the process; nothing when it runs or does not come up.
  void boot();
  void die(death how);
  // The process dies by itself at the n-th step or write from now on.
  void die_at_point(std::uint64_t n, death how);
  // It does not die by itself any more.
  void spare() { points_left_ = 0; }

  // Runs in the process, as soon as it has time. Dropped when this life ends before.
  void in_process(std::uint64_t delay_ms, std::function<void()> what);
  // What the process sends into the world: arrives so long after the process had time to send it, and never
  // when it died before that.
  void out(std::uint64_t delay_ms, std::function<void()> what);

  // Called by the disk and by the steps of production code, inside the process.
  void point(std::string_view where);
  void wait_for_disk(std::uint64_t ms) { busy_until_ms_ = time() + ms; }
  // Whether the process died within the event that is being run: nothing that it still does counts.
  bool dying() const { return dying_; }

  // The wall clock of this machine; the monotonic one starts with the power.
  base::time_stamp stamp() const;
  void turn_clock(std::int64_t unix_ms_off) { clock_off_ms_ = unix_ms_off; }

  world& in() { return world_; }
  sim::disk& storage() { return *disk_; }
  const sim::disk& storage() const { return *disk_; }

  // Whose process runs now; null between two events.
  static machine* current();

 protected:
  // Makes everything of the process. False when it would have ended with an error.
  virtual bool start() = 0;
  // Destroys it, in the order in which it must go; the io_context is destroyed in between.
  virtual void drop_before_loop() = 0;
  virtual void drop_after_loop() = 0;
  // Called after each event, while the process lives.
  virtual void look_around() {}
  boost::asio::io_context& loop() { return *io_; }
  void drop_loop() { io_.reset(); }
  death last_death() const { return last_death_; }

  base::clock& clock() { return clock_; }

 private:
  class own_clock final : public base::clock {
   public:
    explicit own_clock(const machine& m) : machine_(m) {}
    base::time_stamp now() const override { return machine_.stamp(); }

   private:
    const machine& machine_;
  };

  std::uint64_t time() const { return std::max(world_.now_ms(), busy_until_ms_); }
  void run(std::vector<std::function<void()>> all);
  void bury();

  world& world_;
  std::string name_;
  own_clock clock_;
  std::unique_ptr<sim::disk> disk_;
  std::unique_ptr<boost::asio::io_context> io_;

  std::uint64_t life_ = 0;
  std::vector<std::uint64_t> ends_;  // of each life, in ms
  std::uint64_t powered_ms_ = 0;
  std::uint64_t busy_until_ms_ = 0;
  std::int64_t clock_off_ms_ = 0;
  std::vector<std::function<void()>> inbox_;
  bool wakes_ = false;

  std::uint64_t points_left_ = 0;  // 0: it lives on
  death planned_ = death::killed, last_death_ = death::killed;
  bool dying_ = false;
};

}  // namespace tilld::sim
