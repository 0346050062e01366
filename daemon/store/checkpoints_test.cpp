#include "daemon/store/checkpoints.hpp"

#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>

#include "tests/support/scratch.hpp"

namespace tilld::daemon {
namespace {

using base::result;

constexpr std::int64_t a_day_ms = 86'400'000;

// A journal that signs itself every five records, and the loop that it lives in.
class signed_journal : public testing::Test {
 protected:
  void SetUp() override { open(); }
  void TearDown() override {
    points.reset();
    journal.reset();
  }
  void open() {
    points.reset();
    journal.reset();
    store::options how;
    how.folder = folder.path();
    how.till = "till-1";
    how.where = store::options::threads::always_io_thread;
    auto opened = store::open(io.get_executor(), clock, how);
    ASSERT_TRUE(opened) << opened.error().detail;
    journal = std::move(*opened);
    points = std::make_unique<checkpoints>(io.get_executor(), *journal, key, clock,
                                           checkpoints::options{"till-1", 5});
    points->start();
    journal->on_grown = [this] { points->grew(); };
    turn();
  }
  void turn() {
    for (int i = 0; i < 20; ++i) {
      io.restart();
      io.poll();
    }
  }
  void sell(int count) {
    for (int i = 0; i < count; ++i) {
      journal->submit(
          work_kind::books,
          [](rows& in) -> result<> {
            auto appended = in.append({"sale", "{}", std::nullopt});
            if (!appended) return appended.error();
            return {};
          },
          nullptr);
      turn();
    }
  }
  void close() {
    bool done = false;
    auto run = [](checkpoints* which, bool* told) -> boost::asio::awaitable<void> {
      co_await which->close();
      *told = true;
    };
    auto closing = run(points.get(), &done);
    boost::asio::co_spawn(io, std::move(closing), boost::asio::detached);
    turn();
    EXPECT_TRUE(done);
  }
  // The numbers of the checkpoints with their reasons; each must be the till's genuine word on the record
  // before it.
  std::string found() {
    std::string text;
    journal->submit(
        work_kind::reads,
        [&](rows& in) -> result<> {
          auto all = in.read(1, 1000, 1 << 20);
          if (!all) return all.error();
          base::chain_follower follower("till-1");
          for (auto& r : *all) {
            auto before = follower.head();
            auto h = follower.take(r);
            if (!h) return h.error();
            if (h->kind != base::checkpoint_kind) continue;
            auto c = base::check_checkpoint("till-1", before, r.body);
            text +=
                std::to_string(h->sequence) + (c && c->by == key.public_half() ? c->reason : "WRONG") + " ";
          }
          return {};
        },
        nullptr);
    turn();
    return text;
  }

  tests::scratch_folder folder;
  boost::asio::io_context io;
  base::test_clock clock;
  base::signing_key key{std::array<std::uint8_t, 32>{7}};
  std::unique_ptr<store> journal;
  std::unique_ptr<checkpoints> points;
};

TEST_F(signed_journal, is_signed_after_so_many_records) {
  sell(4);
  EXPECT_EQ(found(), "");
  sell(1);
  EXPECT_EQ(found(), "6count ");
  sell(4);
  EXPECT_EQ(found(), "6count ");
  sell(1);
  EXPECT_EQ(found(), "6count 12count ");
  EXPECT_EQ(points->last(), 12u);
}

TEST_F(signed_journal, counts_on_after_a_start) {
  sell(5);
  sell(3);
  open();
  EXPECT_EQ(points->last(), 6u);
  sell(1);
  EXPECT_EQ(found(), "6count ");
  sell(1);
  EXPECT_EQ(found(), "6count 12count ");
}

TEST_F(signed_journal, is_signed_when_a_day_is_over_and_something_was_sold) {
  sell(2);
  points->look_at_the_day();
  turn();
  EXPECT_EQ(found(), "");
  clock.advance(a_day_ms);
  points->look_at_the_day();
  turn();
  EXPECT_EQ(found(), "3day ");
  clock.advance(a_day_ms);
  points->look_at_the_day();
  turn();
  EXPECT_EQ(found(), "3day ") << "nothing was sold on that day";
}

TEST_F(signed_journal, is_signed_at_the_next_start_for_the_day_that_is_over) {
  sell(5);
  sell(2);
  clock.advance(a_day_ms);
  open();
  EXPECT_EQ(found(), "6count 9day ");
}

TEST_F(signed_journal, is_signed_when_the_till_is_stopped_and_something_is_not) {
  close();
  EXPECT_EQ(found(), "");
  sell(1);
  close();
  EXPECT_EQ(found(), "2stop ");
  close();
  EXPECT_EQ(found(), "2stop ");
}

}  // namespace
}  // namespace tilld::daemon
