#include "daemon/store/retention.hpp"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>

#include <boost/asio/io_context.hpp>

#include "base/file.hpp"
#include "base/step.hpp"
#include "tests/support/scratch.hpp"
#include "tests/support/step_file.hpp"
#include "wire/export_file.hpp"

namespace tilld::daemon {
namespace {

using base::result;

constexpr std::int64_t days_ms = 86'400'000;

// A journal that keeps ten records a segment and thirty days, with two destinations.
class kept_journal : public testing::Test {
 protected:
  void SetUp() override { open(); }
  void TearDown() override {
    keeper.reset();
    journal.reset();
  }
  void open() {
    keeper.reset();
    journal.reset();
    store::options how;
    how.folder = folder.path();
    how.till = "till-1";
    how.destinations = {"ledger", "witness"};
    how.where = store::options::threads::always_io_thread;
    auto opened = store::open(io.get_executor(), clock, how);
    ASSERT_TRUE(opened) << opened.error().detail;
    journal = std::move(*opened);
    retention::options keeping;
    keeping.till = "till-1";
    keeping.folder = folder.file("archive");
    keeping.days = 30;
    keeping.segment_records = 10;
    keeping.destinations = how.destinations;
    // The thread beside is the loop itself here, so that a test sees every step.
    keeper = std::make_unique<retention>(io.get_executor(), io.get_executor(), *journal, key, clock, keeping);
  }
  void turn() {
    for (int i = 0; i < 200; ++i) {
      io.restart();
      io.poll();
    }
  }
  result<> run(work_kind kind, store::work work) {
    result<> outcome = base::error{base::errc::internal, "nothing happened"};
    journal->submit(kind, std::move(work), [&](result<> r) { outcome = std::move(r); });
    turn();
    return outcome;
  }
  void sell(int count, const std::string& currency = "EUR") {
    for (int i = 0; i < count; ++i)
      ASSERT_TRUE(run(work_kind::books, [&](rows& in) -> result<> {
        auto appended = in.append({"sale", "{}", base::money{100, currency}});
        if (!appended) return appended.error();
        return {};
      }));
  }
  void acknowledge(const std::string& destination, std::uint64_t sequence) {
    journal->acknowledge(destination, base::byte_string(180, 1), sequence, nullptr);
    turn();
  }
  void acknowledge_all() {
    acknowledge("ledger", journal->head().sequence);
    acknowledge("witness", journal->head().sequence);
  }
  void look() {
    keeper->look();
    turn();
    EXPECT_FALSE(keeper->busy());
  }
  // Follows the chain from where the journal begins; how many records that are.
  std::uint64_t follow() {
    std::uint64_t count = 0;
    auto followed = run(work_kind::reads, [&](rows& in) -> result<> {
      base::chain_follower follower("till-1", journal->beginning());
      auto all = in.read(1, 10'000, 64 << 20);
      if (!all) return all.error();
      for (auto& r : *all)
        if (auto taken = follower.take(r); !taken) return taken.error();
      count = all->size();
      EXPECT_EQ(follower.head(), journal->head());
      return {};
    });
    EXPECT_TRUE(followed) << followed.error().detail;
    return count;
  }
  std::string archived(std::uint64_t first, std::uint64_t last) {
    return folder.file("archive/" + segment_name("till-1", first, last));
  }

  tests::scratch_folder folder;
  boost::asio::io_context io;
  base::test_clock clock;
  base::signing_key key{std::array<std::uint8_t, 32>{7}};
  std::unique_ptr<store> journal;
  std::unique_ptr<retention> keeper;
};

TEST_F(kept_journal, gives_up_what_is_old_and_signed_by_all) {
  sell(25);
  acknowledge_all();
  clock.advance(31 * days_ms);
  look();
  EXPECT_EQ(keeper->segments_moved(), 2u);
  EXPECT_EQ(journal->beginning().sequence, 20u);
  EXPECT_EQ(follow(), 5u);
  for (auto& path : {archived(1, 10), archived(11, 20)}) {
    auto read = wire::verify_export(path);
    ASSERT_TRUE(read) << read.error().detail;
    EXPECT_TRUE(read->whole());
    EXPECT_EQ(read->records(), 10u);
  }
  sell(3);
  EXPECT_EQ(follow(), 8u);
}

TEST_F(kept_journal, keeps_what_is_young) {
  sell(25);
  acknowledge_all();
  clock.advance(29 * days_ms);
  look();
  EXPECT_EQ(keeper->segments_moved(), 0u);
  EXPECT_EQ(follow(), 25u);
}

TEST_F(kept_journal, keeps_what_one_destination_has_not_signed_for) {
  sell(25);
  acknowledge("ledger", 25);
  clock.advance(31 * days_ms);
  look();
  EXPECT_EQ(follow(), 25u);
  acknowledge("witness", 19);
  look();
  EXPECT_EQ(keeper->segments_moved(), 1u);
  EXPECT_EQ(follow(), 15u);
  EXPECT_FALSE(std::filesystem::exists(archived(11, 20)));
}

TEST_F(kept_journal, keeps_its_newest_record) {
  sell(10);
  acknowledge_all();
  clock.advance(31 * days_ms);
  look();
  EXPECT_EQ(follow(), 10u);
  sell(1);
  acknowledge_all();
  look();
  EXPECT_EQ(follow(), 1u);
}

TEST_F(kept_journal, goes_on_after_a_start_where_it_was) {
  sell(25);
  acknowledge_all();
  clock.advance(31 * days_ms);
  look();
  open();
  EXPECT_EQ(journal->beginning().sequence, 20u);
  EXPECT_EQ(journal->head().sequence, 25u);
  EXPECT_EQ(follow(), 5u);
  sell(6);
  acknowledge_all();
  clock.advance(31 * days_ms);
  look();
  EXPECT_EQ(journal->beginning().sequence, 30u);
  EXPECT_EQ(follow(), 1u);
}

TEST_F(kept_journal, counts_its_backlog_in_money_over_the_cut) {
  sell(3, "CHF");
  sell(22);
  acknowledge("ledger", 20);
  acknowledge("witness", 22);
  clock.advance(31 * days_ms);
  look();
  EXPECT_EQ(journal->beginning().sequence, 20u);
  for (int start = 0; start < 2; ++start) {
    auto b = journal->backlogs().front();
    EXPECT_EQ(b.records, 5u);
    ASSERT_EQ(b.money.size(), 1u) << "francs wait for nobody";
    EXPECT_EQ(b.money.front().minor, 500);
    EXPECT_EQ(b.money.front().count, 5);
    open();
  }
  sell(1, "CHF");
  auto b = journal->backlogs().front();
  ASSERT_EQ(b.money.size(), 2u);
}

TEST_F(kept_journal, writes_a_file_again_that_a_crash_left_behind) {
  sell(25);
  acknowledge_all();
  clock.advance(31 * days_ms);
  // The file is durable, the rows are still there: what a crash between the two leaves. This one is even
  // damaged.
  std::filesystem::create_directory(folder.file("archive"));
  ASSERT_TRUE(base::write_file_durably(archived(1, 10), base::as_bytes("half a segment")));
  look();
  EXPECT_EQ(keeper->segments_moved(), 2u);
  auto read = wire::verify_export(archived(1, 10));
  ASSERT_TRUE(read);
  EXPECT_TRUE(read->whole());
}

TEST_F(kept_journal, keeps_all_when_the_file_cannot_be_written) {
  sell(25);
  acknowledge_all();
  clock.advance(31 * days_ms);
  ASSERT_TRUE(
      base::write_file_durably(folder.file("archive"), base::as_bytes("a file where the folder should be")));
  look();
  EXPECT_EQ(keeper->segments_moved(), 0u);
  EXPECT_EQ(follow(), 25u);
  std::filesystem::remove(folder.file("archive"));
  look();
  EXPECT_EQ(keeper->segments_moved(), 2u);
}

TEST_F(kept_journal, takes_nothing_out_that_is_not_what_was_written) {
  sell(25);
  for (base::chain_head wrong : {base::chain_head{1, 10, {}}, base::chain_head{1, 26, {}}, journal->head()}) {
    auto done = run(work_kind::housekeeps, [&](rows& in) { return in.remove_up_to(wrong); });
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().code, base::errc::record_gap);
  }
  EXPECT_EQ(follow(), 25u);
}

TEST_F(kept_journal, keeps_a_damaged_record_and_says_so) {
  // More than a start looks at: what is damaged there keeps the till from starting at all.
  sell(300);
  acknowledge_all();
  clock.advance(31 * days_ms);
  // As rot would: the fourth record is not what its hash covers.
  keeper.reset();
  journal.reset();
  {
    base::database::options how;
    constexpr base::migration known[] = {{2, ""}};
    auto db = base::database::open(folder.file("journal.db"), known, how);
    ASSERT_TRUE(db) << db.error().detail;
    ASSERT_TRUE((*db)->execute("UPDATE journal SET body = x'7b7d20' WHERE sequence = 4"));
  }
  open();
  look();
  EXPECT_EQ(keeper->segments_moved(), 0u);
  EXPECT_EQ(journal->beginning().sequence, 0u);
  EXPECT_FALSE(std::filesystem::exists(archived(1, 10)));
}

// Killed at each step of moving a segment: what is in the journal and what is not is one whole segment or
// none, and what is not there is in a file that verifies.
TEST_F(kept_journal, loses_nothing_when_it_is_killed_at_any_step) {
  sell(25);
  acknowledge_all();
  for (auto step : {base::step::segment_written, base::step::segment_removed, base::step::commit_begun,
                    base::step::committed}) {
    keeper.reset();
    journal.reset();
    auto begins = std::filesystem::exists(archived(1, 10)) ? "later" : "first";
    tests::step_file watched(folder.file(std::string("steps-") + begins));
    watched.stop_at(step);
    auto child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      auto path = watched.variable().substr(watched.variable().find('=') + 1);
      if (!base::start_step_watch(path)) ::_exit(3);
      clock.advance(31 * days_ms);
      open();
      keeper->look();
      turn();
      ::_exit(4);
    }
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, WUNTRACED), child);
    EXPECT_TRUE(WIFSTOPPED(status)) << base::name(step) << " was not reached, status " << status;
    ::kill(child, SIGKILL);
    if (WIFSTOPPED(status)) ::waitpid(child, &status, 0);
    open();
    auto first = journal->beginning().sequence;
    EXPECT_EQ(first % 10, 0u) << base::name(step);
    EXPECT_EQ(follow(), 25 - first) << base::name(step);
    for (std::uint64_t n = 10; n <= first; n += 10) {
      auto read = wire::verify_export(archived(n - 9, n));
      ASSERT_TRUE(read) << base::name(step);
      EXPECT_TRUE(read->whole() && read->records() == 10) << base::name(step);
    }
    EXPECT_EQ(first, step == base::step::committed ? 10u : 0u) << base::name(step);
  }
  clock.advance(31 * days_ms);
  look();
  EXPECT_EQ(journal->beginning().sequence, 20u);
}

TEST_F(kept_journal, begins_behind_a_till_that_it_replaces) {
  base::chain_head after{2, 300, {}};
  after.hash[0] = 9;
  ASSERT_TRUE(run(work_kind::books, [&](rows& in) { return in.begin_behind(after); }));
  open();
  EXPECT_EQ(journal->head(), after);
  EXPECT_EQ(journal->backlogs().front().records, 0u);
  sell(2);
  EXPECT_EQ(journal->head().sequence, 302u);
  EXPECT_EQ(journal->head().epoch, 2u);
  EXPECT_EQ(journal->backlogs().front().records, 2u);
  open();
  EXPECT_EQ(follow(), 2u);
  EXPECT_FALSE(run(work_kind::books, [&](rows& in) { return in.begin_behind(after); }));
}

}  // namespace
}  // namespace tilld::daemon
