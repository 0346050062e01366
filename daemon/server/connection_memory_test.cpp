#include "daemon/server/connection_memory.hpp"

#include <gtest/gtest.h>

#include "daemon/calls/parts.hpp"

using tilld::daemon::connection_memory;
using purpose = connection_memory::purpose;

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
  connection_memory memory(100, 80);
  int closed = 0;
  memory.join(1, [&] { ++closed; });
  memory.set(1, 100);
  auto large = memory.borrow("one", 40, purpose::other), medium = memory.borrow("two", 20, purpose::other);
  EXPECT_TRUE(large && medium);
  EXPECT_FALSE(memory.borrow("three", 1, purpose::other));
  auto copy = large;
  large = nullptr;
  EXPECT_FALSE(memory.borrow("three", 1, purpose::other)) << "somebody has it still";
  copy = nullptr;
  EXPECT_TRUE(memory.borrow("three", 1, purpose::other));
  EXPECT_EQ(closed, 0);
}

TEST(connection_memory, keeps_a_quarter_for_sales) {
  connection_memory memory(100, 80);
  auto one = memory.borrow("one", 60, purpose::other);
  EXPECT_FALSE(memory.borrow("two", 1, purpose::other));
  auto sale = memory.borrow("two", 20, purpose::sale);
  EXPECT_TRUE(sale);
  EXPECT_FALSE(memory.borrow("two", 1, purpose::sale)) << "a sale has its limit too";
}

TEST(connection_memory, lends_nothing_more_to_who_has_a_share_and_takes_back_what_is_not_needed) {
  connection_memory memory(100, 80);
  auto one = memory.borrow("one", 16, purpose::other);
  EXPECT_FALSE(memory.borrow("one", 1, purpose::other)) << "more than 15 are a share";
  EXPECT_TRUE(memory.borrow("two", 16, purpose::other));
  one->shrink_to(15);
  EXPECT_EQ(memory.lent(), 15u);
  auto more = memory.borrow("one", 40, purpose::other);
  EXPECT_TRUE(more);
  more->shrink_to(99);
  EXPECT_EQ(memory.lent(), 55u) << "it only shrinks";
  more = nullptr;
  one->shrink_to(0);
  one = nullptr;
  EXPECT_EQ(memory.lent(), 0u);
}

// Where they begin to wait they are held as they are, and four times as much while they are read.
TEST(connection_memory, has_room_for_two_of_the_largest_blobs_of_a_till) {
  using namespace tilld::daemon;
  connection_memory memory(connection_memory_max, calls_memory_max);
  constexpr std::size_t blob = 4 << 20;
  auto first = memory.borrow("one", 4 * blob, purpose::other);
  ASSERT_TRUE(first);
  first->shrink_to(blob);
  EXPECT_TRUE(memory.borrow("one", 4 * blob, purpose::other));
}

TEST(connection_memory, takes_back_what_was_lent_after_its_own_end) {
  auto memory = std::make_unique<connection_memory>(100, 80);
  auto one = memory->borrow("one", 16, purpose::other);
  memory = nullptr;
  one = nullptr;
}
