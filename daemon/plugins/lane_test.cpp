#include "daemon/plugins/lane.hpp"

#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>

using tilld::daemon::lane;
using tilld::daemon::urgency;
namespace asio = boost::asio;

namespace {

constexpr auto never = std::chrono::steady_clock::time_point::max();

// A lane with callers by name; the order in which they were let in.
struct lane_with_callers {
  asio::io_context io;
  lane queue{io.get_executor(), 2, 3};
  std::vector<std::string> let_in, turned_away;

  asio::awaitable<void> call(std::string who, urgency how, std::chrono::steady_clock::time_point until) {
    bool in = co_await queue.enter(how, until);
    (in ? let_in : turned_away).push_back(who);
  }
  void comes(std::string who, urgency how = urgency::cashier,
             std::chrono::steady_clock::time_point until = never) {
    asio::co_spawn(io, call(std::move(who), how, until), asio::detached);
    settle();
  }
  void leaves() {
    queue.leave();
    settle();
  }
  void settle() {
    io.restart();
    io.poll();
  }
};

using names = std::vector<std::string>;

}  // namespace

TEST(lane, lets_cashier_work_in_before_background_work) {
  lane_with_callers l;
  l.comes("a");
  l.comes("b");
  l.comes("report", urgency::background);
  l.comes("sale");
  EXPECT_EQ(l.let_in, (names{"a", "b"}));
  l.leaves();
  l.leaves();
  EXPECT_EQ(l.let_in, (names{"a", "b", "sale", "report"}));
  EXPECT_EQ(l.queue.waiting(), 0u);
}

TEST(lane, turns_away_who_would_wait_too_long_or_behind_too_many) {
  lane_with_callers l;
  l.comes("a");
  l.comes("b");
  l.comes("late", urgency::cashier, std::chrono::steady_clock::now());
  l.io.restart();
  l.io.run_one_for(std::chrono::seconds(5));
  l.settle();
  EXPECT_EQ(l.turned_away, (names{"late"}));
  for (auto who : {"c", "d", "e"}) l.comes(who);
  l.comes("f");
  EXPECT_EQ(l.turned_away, (names{"late", "f"}));
  // The one whose time ran out has left the queue: three places later exactly three are in.
  for (int i = 0; i < 3; ++i) l.leaves();
  EXPECT_EQ(l.let_in, (names{"a", "b", "c", "d", "e"}));
}

TEST(lane, has_its_places_again_when_everybody_left) {
  lane_with_callers l;
  for (int round = 0; round < 100; ++round) {
    l.comes("x");
    l.comes("y");
    l.leaves();
    l.leaves();
  }
  EXPECT_EQ(l.let_in.size(), 200u);
}
