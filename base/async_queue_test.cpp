#include "base/async_queue.hpp"

#include <gtest/gtest.h>

#include <vector>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

using namespace tilld::base;
using namespace std::chrono_literals;
namespace asio = boost::asio;
using clock_type = std::chrono::steady_clock;

namespace {

asio::awaitable<void> take_until_end(async_queue<int>& queue, std::vector<int>& taken, bool& ended) {
  while (auto item = co_await queue.pop()) taken.push_back(*item);
  ended = true;
}

asio::awaitable<void> take_one(async_queue<int>& queue, clock_type::time_point deadline,
                               std::optional<int>& taken, bool& returned) {
  taken = co_await queue.pop(deadline);
  returned = true;
}

}  // namespace

TEST(async_queue, hands_out_in_order_what_was_pushed_before_and_while_waiting) {
  asio::io_context io;
  async_queue<int> queue(io.get_executor());
  std::vector<int> taken;
  bool ended = false;
  queue.push(1);
  queue.push(2);
  EXPECT_EQ(queue.size(), 2u);
  asio::co_spawn(io, take_until_end(queue, taken, ended), asio::detached);
  io.poll();
  EXPECT_TRUE(queue.empty());
  queue.push(3);
  io.poll();
  EXPECT_EQ(taken, (std::vector{1, 2, 3}));
  EXPECT_FALSE(ended);
  queue.close();
  io.poll();
  EXPECT_TRUE(ended);
}

TEST(async_queue, still_hands_out_what_is_queued_after_it_was_closed) {
  asio::io_context io;
  async_queue<int> queue(io.get_executor());
  std::vector<int> taken;
  bool ended = false;
  queue.push(1);
  queue.close();
  asio::co_spawn(io, take_until_end(queue, taken, ended), asio::detached);
  io.poll();
  EXPECT_EQ(taken, std::vector{1});
  EXPECT_TRUE(ended);
}

TEST(async_queue, ends_a_wait_at_its_deadline_and_not_before) {
  asio::io_context io;
  async_queue<int> queue(io.get_executor());
  std::optional<int> taken = 0;
  bool returned = false;
  auto deadline = clock_type::now() + 30ms;
  asio::co_spawn(io, take_one(queue, deadline, taken, returned), asio::detached);
  io.run_for(20s);
  ASSERT_TRUE(returned);
  EXPECT_GE(clock_type::now(), deadline);
  EXPECT_FALSE(taken);
}

TEST(async_queue, gives_an_item_that_is_there_even_after_the_deadline) {
  asio::io_context io;
  async_queue<int> queue(io.get_executor());
  queue.push(7);
  std::optional<int> taken;
  bool returned = false;
  asio::co_spawn(io, take_one(queue, clock_type::now() - 1h, taken, returned), asio::detached);
  io.poll();
  EXPECT_EQ(taken, 7);
  returned = false;
  io.restart();
  asio::co_spawn(io, take_one(queue, clock_type::now() - 1h, taken, returned), asio::detached);
  io.poll();
  EXPECT_TRUE(returned);
  EXPECT_FALSE(taken);
}

// The push comes in the same round of the event loop in which the deadline passes. Whoever wins, the item is
// taken by this pop or stays for the next one.
TEST(async_queue, loses_nothing_when_push_and_deadline_race) {
  constexpr int rounds = 10'000;
  asio::io_context io;
  async_queue<int> queue(io.get_executor());
  int in_time = 0, late = 0;
  for (int round = 0; round < rounds; ++round) {
    std::optional<int> taken;
    bool returned = false;
    auto deadline = clock_type::now() + std::chrono::microseconds(round % 50);
    asio::co_spawn(io, take_one(queue, deadline, taken, returned), asio::detached);
    io.poll();
    asio::steady_timer pusher(io, deadline);
    auto push = [&queue, round](boost::system::error_code) { queue.push(round); };
    pusher.async_wait(push);
    io.restart();
    io.run_for(20s);
    ASSERT_TRUE(returned) << round;
    if (taken) {
      ASSERT_EQ(*taken, round);
      ++in_time;
    } else {
      ASSERT_EQ(queue.size(), 1u) << "round " << round << " lost its item";
      bool next_returned = false;
      asio::co_spawn(io, take_one(queue, clock_type::now(), taken, next_returned), asio::detached);
      io.restart();
      io.poll();
      ASSERT_EQ(taken, round);
      ++late;
    }
    ASSERT_TRUE(queue.empty());
    io.restart();
  }
  EXPECT_EQ(in_time + late, rounds);
}
