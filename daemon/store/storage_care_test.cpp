#include "daemon/store/storage_care.hpp"

#include <gtest/gtest.h>
#include <sqlite3.h>

#include <algorithm>
#include <filesystem>

#include <boost/asio/io_context.hpp>

#include "base/file.hpp"
#include "tests/support/scratch.hpp"

using namespace tilld;
using namespace tilld::daemon;
using base::errc;
using base::result;
using std::chrono::milliseconds;

namespace {

constexpr auto care_patience = std::chrono::seconds(20);

class a_till_that_is_cared_for : public ::testing::Test {
 protected:
  void open(std::uint64_t keep_free = 0) {
    care_.reset();
    journal_.reset();
    store::options how;
    how.folder = folder_.file("state");
    how.till = "till-1";
    how.destinations = {"ledger"};
    how.keep_free = keep_free;
    how.where = store::options::threads::always_io_thread;
    auto opened = store::open(io_.get_executor(), clock_, how);
    ASSERT_TRUE(opened) << base::to_string(opened.error());
    journal_ = std::move(*opened);
  }
  void care(std::size_t backups_kept = 2) {
    storage_care::settings how;
    how.till = "till-1";
    how.backup_folder = backups_;
    how.backups_kept = backups_kept;
    how.idle_pause = how.busy_pause = milliseconds(0);
    care_ = std::make_unique<storage_care>(io_.get_executor(), *journal_, clock_, how);
    care_->start();
  }
  template <class Condition>
  bool run_until(Condition met) {
    auto until = std::chrono::steady_clock::now() + care_patience;
    while (!met() && std::chrono::steady_clock::now() < until) {
      io_.restart();
      io_.run_one_for(milliseconds(50));
    }
    return met();
  }
  bool run_until_checked() {
    return run_until([&] { return care_->check().now == storage_care::state::done; });
  }
  result<> run(work_kind kind, store::work w) {
    std::optional<result<>> told;
    journal_->submit(kind, std::move(w), [&told](result<> r) { told = std::move(r); });
    run_until([&] { return told.has_value(); });
    return told.value_or(base::error{errc::internal, "nobody was told"});
  }
  result<> sell(std::int64_t minor) {
    journal_entry entry{"sale",
                        R"({"sale":{"total":{"minor":)" + std::to_string(minor) + R"(,"currency":"EUR"}}})",
                        base::money{minor, "EUR"}};
    return run(work_kind::books, [entry](rows& in) -> result<> {
      auto appended = in.append(entry);
      if (!appended) return appended.error();
      return {};
    });
  }
  // What a disk does that forgets a bit, done by SQL while nobody has the file open.
  void damage_with(const std::string& sql) {
    care_.reset();
    journal_.reset();
    sqlite3* db = nullptr;
    ASSERT_EQ(sqlite3_open((folder_.file("state") + "/journal.db").c_str(), &db), SQLITE_OK);
    ASSERT_EQ(sqlite3_exec(db, sql.c_str(), nullptr, nullptr, nullptr), SQLITE_OK) << sqlite3_errmsg(db);
    sqlite3_close(db);
    open();
  }

  tests::scratch_folder folder_;
  base::test_clock clock_;
  boost::asio::io_context io_;
  std::string backups_;
  std::unique_ptr<storage_care> care_;
  std::unique_ptr<store> journal_;
};

std::vector<std::string> names_of(const std::vector<damage>& all) {
  std::vector<std::string> names;
  for (auto& d : all) names.push_back(d.what);
  return names;
}

}  // namespace

TEST_F(a_till_that_is_cared_for, finds_nothing_damaged_where_nothing_is) {
  open();
  for (int i = 1; i <= 600; ++i) ASSERT_TRUE(sell(i));
  care();
  ASSERT_TRUE(run_until_checked());
  EXPECT_EQ(names_of(care_->check().damaged), std::vector<std::string>());
  EXPECT_EQ(care_->check().records, 600u);
}

TEST_F(a_till_that_is_cared_for, names_a_damaged_record_the_sums_of_another_and_a_row_and_still_sells) {
  open();
  for (int i = 1; i <= 600; ++i) ASSERT_TRUE(sell(i));
  ASSERT_TRUE(run(work_kind::housekeeps, [](rows& in) { return in.put_state("scale", "zero", {}); }));
  damage_with(
      "UPDATE journal SET body = CAST('{}' AS BLOB) WHERE sequence = 100; UPDATE journal SET amount_minor = "
      "7 "
      "WHERE sequence = 200; UPDATE plugin_state SET value = x'01' WHERE key = 'zero'");
  care();
  ASSERT_TRUE(run_until_checked());
  auto names = names_of(care_->check().damaged);
  EXPECT_EQ(std::count(names.begin(), names.end(), "record 100"), 1);
  EXPECT_EQ(std::count(names.begin(), names.end(), "record 101"), 0) << "only what is damaged is named";
  EXPECT_GE(std::count(names.begin(), names.end(), "sums of record 200"), 1);
  EXPECT_EQ(std::count(names.begin(), names.end(), "state zero of plugin scale"), 1);
  EXPECT_TRUE(sell(5));
}

TEST_F(a_till_that_is_cared_for, looks_from_where_the_journal_begins_also_when_old_records_leave_meanwhile) {
  backups_ = folder_.file("copies");
  ASSERT_TRUE(base::make_folders(backups_));
  open();
  for (int i = 1; i <= 1000; ++i) ASSERT_TRUE(sell(i));
  // The one before the first slice, the other while the walk stands somewhere behind record 200.
  auto leave = [&](std::uint64_t last) {
    return run(work_kind::books, [last](rows& in) -> result<> {
      auto record = in.read(last, 1, 1);
      if (!record) return record.error();
      return in.remove_up_to({1, last, record->front().hash});
    });
  };
  ASSERT_TRUE(leave(100));
  care();
  ASSERT_TRUE(run_until([&] { return care_->check().records >= 200; }));
  ASSERT_TRUE(leave(900));
  ASSERT_TRUE(run_until_checked());
  EXPECT_EQ(names_of(care_->check().damaged), std::vector<std::string>());
  EXPECT_LT(care_->check().records, 1000u);
  ASSERT_TRUE(run_until([&] { return care_->backup().now == storage_care::state::done; }))
      << care_->backup().why;
}

TEST_F(a_till_that_is_cared_for, begins_a_damaged_cursor_anew_instead_of_standing_still) {
  open();
  ASSERT_TRUE(sell(100));
  ASSERT_TRUE(run(work_kind::housekeeps, [](rows& in) { return in.put_witness("ledger", {}, 1); }));
  damage_with("UPDATE destination SET sequence = 9");
  EXPECT_EQ(names_of(journal_->damaged_at_start()), std::vector<std::string>{"cursor of destination ledger"});
  EXPECT_EQ(journal_->backlogs().front().records, 1u) << "the destination says what it has";
}

TEST_F(a_till_that_is_cared_for, refuses_sales_before_the_disk_is_full_and_still_notes_what_was_sent) {
  open(std::uint64_t(1) << 60);
  EXPECT_TRUE(journal_->low());
  EXPECT_GT(journal_->free_octets(), 0u);
  auto refused = sell(100);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, errc::storage_full);
  EXPECT_FALSE(journal_->full());
  EXPECT_TRUE(run(work_kind::housekeeps, [](rows& in) { return in.put_witness("ledger", {}, 0); }));
}

TEST_F(a_till_that_is_cared_for, copies_the_journal_while_it_sells_and_the_copy_is_one_to_open) {
  open();
  for (int i = 1; i <= 300; ++i) ASSERT_TRUE(sell(i));
  backups_ = folder_.file("copies");
  std::filesystem::create_directories(backups_);
  for (auto* old : {"journal-20200101-000000.db", "journal-20200102-000000.db"})
    ASSERT_TRUE(base::write_file_durably(backups_ + "/" + old, {}));
  care(2);
  std::int64_t sold = 0;
  ASSERT_TRUE(run_until([&] {
    sold += sell(1).has_value();
    return care_->backup().now == storage_care::state::done;
  }));
  EXPECT_GT(sold, 0);
  EXPECT_FALSE(std::filesystem::exists(backups_ + "/journal-20200101-000000.db")) << "the oldest goes";
  EXPECT_TRUE(std::filesystem::exists(backups_ + "/journal-20200102-000000.db"));
  EXPECT_FALSE(std::filesystem::exists(backups_ + "/journal.partial"));
  // As a till of its own, the copy has at least what was sold before it began.
  auto copy = folder_.file("copy");
  std::filesystem::create_directories(copy);
  std::filesystem::copy_file(backups_ + "/" + care_->backup().file, copy + "/journal.db");
  store::options how;
  how.folder = copy;
  how.till = "till-1";
  how.where = store::options::threads::always_io_thread;
  auto opened = store::open(io_.get_executor(), clock_, how);
  ASSERT_TRUE(opened) << base::to_string(opened.error());
  EXPECT_GE((*opened)->head().sequence, 300u);
}

TEST_F(a_till_that_is_cared_for, says_why_there_is_no_copy_and_goes_on_selling) {
  open();
  ASSERT_TRUE(sell(1));
  backups_ = folder_.file("nobody/made/this");
  care();
  ASSERT_TRUE(run_until([&] { return care_->backup().now == storage_care::state::failed; }));
  EXPECT_NE(care_->backup().why, "");
  EXPECT_TRUE(sell(2));
}
