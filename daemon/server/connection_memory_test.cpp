#include "daemon/server/connection_memory.hpp"

#include <gtest/gtest.h>

using tilld::daemon::connection_memory;

TEST(connection_memory, closes_the_one_that_holds_most_when_all_together_hold_too_much) {
  connection_memory memory(100);
  std::vector<int> closed;
  for (int i = 1; i <= 3; ++i)
    memory.join(static_cast<std::uint64_t>(i), [&closed, i] { closed.push_back(i); });
  memory.set(1, 30);
  memory.set(2, 60);
  EXPECT_TRUE(closed.empty());
  memory.set(3, 20);
  EXPECT_EQ(closed, std::vector<int>{2});
  EXPECT_EQ(memory.total(), 50u);
}

TEST(connection_memory, closes_as_many_as_it_takes) {
  connection_memory memory(100);
  std::vector<int> closed;
  for (int i = 1; i <= 4; ++i)
    memory.join(static_cast<std::uint64_t>(i), [&closed, i] { closed.push_back(i); });
  memory.set(1, 40);
  memory.set(2, 50);
  memory.set(3, 300);
  EXPECT_EQ(closed, std::vector<int>{3});
  memory.set(4, 90);
  EXPECT_EQ(closed, (std::vector<int>{3, 4}));
  EXPECT_EQ(memory.total(), 90u);
}

TEST(connection_memory, forgets_those_that_leave) {
  connection_memory memory(100);
  int closed = 0;
  memory.join(1, [&] { ++closed; });
  memory.set(1, 99);
  memory.leave(1);
  EXPECT_EQ(memory.total(), 0u);
  EXPECT_EQ(memory.count(), 0u);
  memory.set(1, 500);  // it is gone; nothing is counted for it any more
  memory.leave(1);
  EXPECT_EQ(memory.total(), 0u);
  EXPECT_EQ(closed, 0);
}

TEST(connection_memory, stays_right_when_a_member_leaves_or_shrinks_while_it_is_closed) {
  connection_memory memory(100);
  memory.join(1, [&] { memory.leave(1); });
  memory.join(2, [&] { memory.set(2, 0); });
  memory.set(1, 101);
  EXPECT_EQ(memory.count(), 1u);
  EXPECT_EQ(memory.total(), 0u);
  memory.set(2, 200);
  EXPECT_EQ(memory.total(), 0u);
}

TEST(connection_memory, lends_to_requests_in_hand_what_it_has_and_closes_nobody_for_it) {
  connection_memory memory(100, 50);
  int closed = 0;
  memory.join(1, [&] { ++closed; });
  memory.set(1, 100);
  auto large = memory.borrow(30), medium = memory.borrow(20);
  EXPECT_TRUE(large && medium);
  EXPECT_FALSE(memory.borrow(1));
  EXPECT_TRUE(memory.borrow(0)) << "small ones do not count";
  auto copy = large;
  large = nullptr;
  EXPECT_FALSE(memory.borrow(1)) << "somebody has it still";
  copy = nullptr;
  EXPECT_TRUE(memory.borrow(1));
  EXPECT_EQ(closed, 0);
}
