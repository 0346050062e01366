// What the simulator itself must be, so that what it says of the product means something.
#include <gtest/gtest.h>

#include "tests/sim/log_disk.hpp"
#include "tests/sim/shop.hpp"

using namespace tilld;
using namespace tilld::sim;

namespace {

class idle_machine final : public machine {
 public:
  using machine::machine;

 protected:
  bool start() override { return true; }
  void drop_before_loop() override {}
  void drop_after_loop() override {}
};

class a_disk : public ::testing::Test {
 protected:
  log_disk& disk() { return static_cast<log_disk&>(machine_.storage()); }
  void SetUp() override { disk().attach(); }
  // One transaction with one row.
  base::result<> write(const std::string& key) {
    disk().begin();
    disk().put(table::fact, key, std::make_shared<const base::byte_string>(8, std::uint8_t{1}));
    return disk().commit();
  }
  bool has(const std::string& key) { return disk().find<base::byte_string>(table::fact, key) != nullptr; }
  void start_again(death how) {
    disk().process_died(how);
    disk().attach();
  }

  world world_{1, false};
  idle_machine machine_{world_, "machine"};
};

}  // namespace

TEST_F(a_disk, keeps_what_was_flushed_and_forgets_an_open_transaction) {
  ASSERT_TRUE(write("a"));
  disk().begin();
  disk().put(table::fact, "b", std::make_shared<const base::byte_string>());
  EXPECT_TRUE(has("b"));
  start_again(death::power_cut);
  EXPECT_TRUE(has("a"));
  EXPECT_FALSE(has("b"));
}

TEST_F(a_disk, shows_after_a_kill_what_only_the_kernel_has_and_loses_it_with_the_power) {
  ASSERT_TRUE(write("a"));
  disk().faults.sync_fails = true;
  EXPECT_EQ(write("b").error().code, base::errc::storage_failed);
  EXPECT_FALSE(has("b"));
  disk().faults.sync_fails = false;
  start_again(death::killed);
  EXPECT_TRUE(has("b"));
  ASSERT_TRUE(write("c"));
  start_again(death::power_cut);
  EXPECT_TRUE(has("a"));
  EXPECT_FALSE(has("b"));
  EXPECT_FALSE(has("c")) << "whoever reads a log stops at the first hole";
}

TEST_F(a_disk, makes_everything_durable_with_a_checkpoint) {
  disk().faults.sync_fails = true;
  EXPECT_FALSE(write("a"));
  disk().faults.sync_fails = false;
  start_again(death::killed);
  ASSERT_TRUE(disk().checkpoint());
  start_again(death::power_cut);
  EXPECT_TRUE(has("a"));
}

TEST_F(a_disk, has_room_when_full_only_after_the_ballast_was_given_back) {
  disk().faults.full = true;
  EXPECT_EQ(write("a").error().code, base::errc::storage_full);
  disk().rollback();
  disk().release_ballast();
  EXPECT_TRUE(write("a"));
  disk().restore_ballast();
  EXPECT_FALSE(disk().ballast());
  disk().faults.full = false;
  disk().restore_ballast();
  EXPECT_TRUE(disk().ballast());
}

TEST_F(a_disk, is_set_back_whole) {
  ASSERT_TRUE(write("a"));
  auto image = disk().copy();
  ASSERT_TRUE(write("b"));
  disk().restore(*image);
  EXPECT_TRUE(has("a"));
  EXPECT_FALSE(has("b"));
}

TEST(a_run, is_the_same_run_with_the_same_seed) {
  for (std::uint64_t seed : {1, 2, 3, 4, 5}) {
    auto first = run_seed(seed, false), second = run_seed(seed, false);
    EXPECT_EQ(first.trace, second.trace) << seed;
    EXPECT_EQ(first.events, second.events) << seed;
    EXPECT_EQ(first.virtual_ms, second.virtual_ms) << seed;
  }
}

TEST(a_run, is_the_same_run_when_it_tells_its_story) {
  testing::internal::CaptureStdout();
  auto told = run_seed(7, true);
  auto story = testing::internal::GetCapturedStdout();
  EXPECT_EQ(told.trace, run_seed(7, false).trace);
  EXPECT_NE(story.find("till-1"), story.npos);
  EXPECT_NE(story.find("asks sale.record"), story.npos);
}

TEST(a_run, is_another_one_with_another_seed) {
  EXPECT_NE(run_seed(1, false).trace, run_seed(2, false).trace);
}

TEST(a_run, has_a_thousand_events_and_clients_that_heard_answers) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    auto o = run_seed(seed, false);
    EXPECT_GE(o.events, 1000u) << seed;
    EXPECT_GT(o.answers, 10u) << seed;
  }
}

TEST(the_oracle, is_not_content_with_two_answers_for_one_key) {
  world w(1, false);
  oracle o(w);
  used_key key{"till-1", "unix:1", "sale.record", "k1"};
  o.answered(key, "{}", "one");
  o.answered(key, "{}", "one");
  EXPECT_FALSE(w.violated());
  o.answered(key, "{}", "two");
  ASSERT_TRUE(w.violated());
  EXPECT_EQ(w.violated()->promise.substr(0, 5), "INV-5");
}

TEST(the_oracle, is_not_content_with_an_acknowledged_sale_that_is_nowhere) {
  world w(1, false);
  oracle o(w);
  o.answered({"till-1", "unix:1", "sale.record", "k1"}, "{}", R"({"sequence":1})");
  o.judge_journal("till-1", {}, true);
  ASSERT_TRUE(w.violated());
  EXPECT_EQ(w.violated()->promise.substr(0, 5), "INV-1");
}

TEST(the_oracle, is_not_content_with_a_device_that_acts_twice) {
  world w(1, false);
  oracle o(w);
  used_key key{"till-1", "unix:1", "printer.print", "k1"};
  o.acted(key);
  EXPECT_FALSE(w.violated());
  o.acted(key);
  EXPECT_TRUE(w.violated());
}
