// What the database does when the disk fails: the promises that an acknowledged sale stands on.
#include <gtest/gtest.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <future>
#include <set>

#include "base/file.hpp"
#include "base/sqlite.hpp"
#include "tests/support/fault_vfs.hpp"
#include "tests/support/scratch.hpp"

using namespace tilld::base;
using tilld::tests::fault_vfs;
using tilld::tests::scratch_folder;
using operation = fault_vfs::operation;
using repeat = fault_vfs::repeat;

namespace {

constexpr migration schema[] = {{1, "CREATE TABLE sale(number INTEGER PRIMARY KEY, body TEXT) STRICT;"}};

result<std::unique_ptr<database>> open_on(const fault_vfs& disk, const std::string& path) {
  return database::open(path, schema, {.create = true, .vfs = disk.name()});
}

// One sale in a transaction of its own; true when it may be acknowledged.
result<> sell(database& db, int number, std::size_t body_size = 300) {
  if (auto begun = db.begin(); !begun) return begun.error();
  auto insert = db.prepare("INSERT INTO sale VALUES(?,?)");
  auto done = insert ? insert->bind(number, std::string(body_size, 'a' + number % 26)).run()
                     : result<>(insert.error());
  if (done) done = db.commit();
  if (!done) db.rollback();
  return done;
}

std::set<int> numbers_in(database& db) {
  std::set<int> numbers;
  auto query = db.prepare("SELECT number, body FROM sale");
  EXPECT_TRUE(query);
  for (auto row = query->step(); row && *row; row = query->step()) {
    auto number = static_cast<int>(query->integer(0));
    EXPECT_EQ(query->text(1), std::string(query->text(1).size(), 'a' + number % 26)) << "sale " << number;
    numbers.insert(number);
  }
  return numbers;
}

std::string integrity(database& db) {
  auto query = db.prepare("PRAGMA integrity_check");
  return query && query->step() ? query->text(0) : "unreadable";
}

// The sales that the script of the power cuts acknowledged before it ended or the power went.
std::set<int> sell_until_the_power_goes(const fault_vfs& disk, const std::string& path) {
  std::set<int> acknowledged;
  auto db = open_on(disk, path);
  if (!db) return acknowledged;
  for (int number = 1; number <= 6; ++number) {
    if (!sell(**db, number, number == 3 ? 9000 : 300)) return acknowledged;
    acknowledged.insert(number);
    if (number % 2 == 0 && !(*db)->checkpoint()) return acknowledged;
  }
  return acknowledged;
}

bool includes(const std::set<int>& whole, const std::set<int>& part) {
  return std::includes(whole.begin(), whole.end(), part.begin(), part.end());
}

}  // namespace

TEST(commit, returns_only_after_the_flush_that_covers_it) {
  scratch_folder folder;
  fault_vfs disk;
  auto db = open_on(disk, folder.file("journal.db"));
  ASSERT_TRUE(db);
  auto done_before = disk.syncs_done();
  disk.hold_syncs();
  auto sale = std::async(std::launch::async, [&] { return sell(**db, 1); });
  ASSERT_TRUE(disk.wait_for_held_sync(std::chrono::seconds(20)));
  EXPECT_EQ(sale.wait_for(std::chrono::seconds(0)), std::future_status::timeout)
      << "the flush is still on its way";
  EXPECT_EQ(disk.syncs_done(), done_before);
  disk.release_syncs();
  EXPECT_TRUE(sale.get());
  EXPECT_GT(disk.syncs_done(), done_before);
}

TEST(commit, costs_one_flush_however_many_rows_it_has) {
  scratch_folder folder;
  fault_vfs disk;
  auto db = open_on(disk, folder.file("journal.db"));
  ASSERT_TRUE(sell(**db, 1));
  auto before = disk.syncs();
  ASSERT_TRUE((*db)->begin());
  for (int number = 2; number < 200; ++number)
    ASSERT_TRUE((*db)->execute("INSERT INTO sale VALUES(" + std::to_string(number) + ",'x')"));
  ASSERT_TRUE((*db)->commit());
  EXPECT_EQ(disk.syncs(), before + 1);
}

TEST(failed_flush, ends_all_trust_in_the_file) {
  scratch_folder folder;
  fault_vfs disk;
  auto db = open_on(disk, folder.file("journal.db"));
  ASSERT_TRUE(sell(**db, 1));
  disk.fail(operation::sync, 1, EIO);
  auto failed = sell(**db, 2);
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().code, errc::storage_failed);
  EXPECT_TRUE((*db)->failed());
  auto writes = disk.writes(), syncs = disk.syncs();
  // The disk is well again, but nobody knows what the kernel dropped.
  EXPECT_EQ(sell(**db, 3).error().code, errc::storage_failed);
  EXPECT_EQ((*db)->begin().error().code, errc::storage_failed);
  EXPECT_EQ((*db)->commit().error().code, errc::storage_failed);
  EXPECT_EQ((*db)->checkpoint().error().code, errc::storage_failed);
  EXPECT_EQ((*db)->execute("INSERT INTO sale VALUES(4,'x')").error().code, errc::storage_failed);
  auto insert = (*db)->prepare("INSERT INTO sale VALUES(5,'x')");
  EXPECT_FALSE(insert && insert->run()) << "a statement outside a transaction is a write as well";
  EXPECT_TRUE(numbers_in(**db).count(1)) << "reading is still allowed";
  db->reset();
  EXPECT_EQ(disk.writes(), writes) << "closing must not move the log either";
  EXPECT_EQ(disk.syncs(), syncs);
}

TEST(failed_flush, in_the_middle_of_a_transaction_refuses_its_rest) {
  scratch_folder folder;
  fault_vfs disk;
  auto db = open_on(disk, folder.file("journal.db"));
  ASSERT_TRUE(sell(**db, 1));
  ASSERT_TRUE((*db)->begin());
  auto insert = (*db)->prepare("INSERT INTO sale VALUES(?,?)");
  disk.fail(operation::write, 1, EIO, repeat::for_ever);
  // Larger than the page cache, so that pages go to the log before the commit.
  result<> done;
  for (int number = 2; number < 3000 && done; ++number)
    done = insert->bind(number, std::string(4000, 'x')).run();
  ASSERT_FALSE(done);
  disk.heal();
  EXPECT_FALSE(insert->bind(5000, "x").run());
  EXPECT_FALSE((*db)->commit());
  (*db)->rollback();
  EXPECT_FALSE((*db)->in_transaction());
}

TEST(failed_flush, of_a_checkpoint_is_reported_and_loses_nothing) {
  scratch_folder folder, after;
  fault_vfs disk;
  auto db = open_on(disk, folder.file("journal.db"));
  for (int number = 1; number <= 3; ++number) ASSERT_TRUE(sell(**db, number));
  disk.fail(operation::sync, 2, EIO);  // the log's own flush is the first, the file's the second
  EXPECT_EQ((*db)->checkpoint().error().code, errc::storage_failed);
  EXPECT_TRUE((*db)->failed());
  disk.lay_out_disk(after.path(), fault_vfs::unsynced::none, 1);
  auto again = database::open(after.file("journal.db"), schema, {});
  ASSERT_TRUE(again) << to_string(again.error());
  EXPECT_EQ(numbers_in(**again), (std::set<int>{1, 2, 3}));
}

// Delayed allocation and thin volumes find out at the flush.
TEST(start, stands_on_what_is_on_the_disk_and_not_on_what_the_kernel_remembers) {
  for (auto how : {fault_vfs::unsynced::none, fault_vfs::unsynced::some, fault_vfs::unsynced::torn}) {
    scratch_folder folder, after_the_cut;
    fault_vfs disk;
    auto path = folder.file("journal.db");
    {
      auto db = open_on(disk, path);
      ASSERT_TRUE(db);
      ASSERT_TRUE(sell(**db, 1));
      disk.fail(operation::sync, 1, EIO);
      ASSERT_FALSE(sell(**db, 2));
    }
    // The kernel still has the second one, and whoever reads it may answer from it.
    auto db = open_on(disk, path);
    ASSERT_TRUE(db);
    auto believed = numbers_in(**db);
    ASSERT_TRUE(sell(**db, 3));
    believed.insert(3);
    disk.lay_out_disk(after_the_cut.path(), how, 1);
    auto found = database::open(after_the_cut.file("journal.db"), schema, {});
    ASSERT_TRUE(found) << to_string(found.error());
    EXPECT_TRUE(includes(numbers_in(**found), believed));
    EXPECT_EQ(integrity(**found), "ok");
  }
}

TEST(start, refuses_a_log_that_cannot_be_flushed) {
  scratch_folder folder;
  fault_vfs disk;
  auto path = folder.file("journal.db");
  {
    auto db = open_on(disk, path);
    ASSERT_TRUE(db);
    disk.fail(operation::sync, 1, EIO, repeat::for_ever);
    ASSERT_FALSE(sell(**db, 1));
  }
  auto db = open_on(disk, path);
  ASSERT_FALSE(db);
  EXPECT_EQ(db.error().code, errc::storage_failed);
}

TEST(full_disk, that_is_noticed_by_a_flush_ends_all_trust) {
  for (bool at_checkpoint : {false, true}) {
    scratch_folder folder;
    fault_vfs disk;
    auto db = open_on(disk, folder.file("journal.db"));
    ASSERT_TRUE(sell(**db, 1));
    disk.fail(operation::sync, at_checkpoint ? 2 : 1, ENOSPC);
    auto failed = at_checkpoint ? (*db)->checkpoint() : sell(**db, 2);
    ASSERT_FALSE(failed);
    EXPECT_EQ(failed.error().code, errc::storage_failed);
    EXPECT_TRUE((*db)->failed());
    EXPECT_EQ(sell(**db, 3).error().code, errc::storage_failed);
  }
}

TEST(full_disk, refuses_a_sale_and_recovers_by_itself) {
  scratch_folder folder;
  fault_vfs disk;
  auto db = open_on(disk, folder.file("journal.db"));
  ASSERT_TRUE(sell(**db, 1));
  for (int error_number : {ENOSPC, EDQUOT, EFBIG})
    for (int nth_write : {1, 2}) {
      disk.fail(operation::write, nth_write, error_number, repeat::for_ever);
      for (int i = 0; i < 3; ++i) {
        auto refused = sell(**db, 2);
        ASSERT_FALSE(refused);
        EXPECT_EQ(refused.error().code, errc::storage_full) << refused.error().detail;
      }
      EXPECT_EQ((*db)->checkpoint().error().code, errc::storage_full);
      disk.heal();
      EXPECT_FALSE((*db)->failed());
      EXPECT_FALSE((*db)->in_transaction());
    }
  EXPECT_TRUE(sell(**db, 2));
  EXPECT_EQ(numbers_in(**db), (std::set<int>{1, 2}));
}

// The n-th write, sync or truncation fails, once or from then on, until the script gets through without
// meeting it.
TEST(database, acknowledges_nothing_that_a_failing_disk_does_not_hold) {
  for (auto what : {operation::write, operation::sync, operation::truncate})
    for (int error_number : {EIO, ENOSPC})
      for (auto how : {repeat::once, repeat::for_ever}) {
        int met = 0;
        for (int nth = 1;; ++nth) {
          ASSERT_LT(nth, 1000);
          scratch_folder folder, after;
          fault_vfs disk;
          disk.fail(what, nth, error_number, how);
          auto acknowledged = sell_until_the_power_goes(disk, folder.file("journal.db"));
          disk.lay_out_disk(after.path(), fault_vfs::unsynced::none, 1);
          fault_vfs well;  // so that the many reopenings do not wait for the real disk
          auto db = open_on(well, after.file("journal.db"));
          ASSERT_TRUE(db) << to_string(db.error());
          auto there = numbers_in(**db);
          EXPECT_TRUE(includes(there, acknowledged))
              << static_cast<int>(what) << " " << nth << ": " << testing::PrintToString(there) << " of "
              << testing::PrintToString(acknowledged);
          if (acknowledged.size() == 6) break;
          ++met;
        }
        if (what != operation::truncate) {
          EXPECT_GT(met, 3) << "the fault was never met";
        }
      }
}

TEST(database, keeps_what_it_acknowledged_when_the_power_goes_at_any_write) {
  using unsynced = fault_vfs::unsynced;
  int cuts = 0;
  for (int nth = 1;; ++nth) {
    ASSERT_LT(nth, 1000);
    scratch_folder folder;
    fault_vfs disk;
    disk.cut_power_at(nth);
    auto acknowledged = sell_until_the_power_goes(disk, folder.file("journal.db"));
    for (auto how : {unsynced::none, unsynced::all, unsynced::some, unsynced::torn}) {
      int seeds = how == unsynced::some || how == unsynced::torn ? 4 : 1;
      for (int seed = 0; seed < seeds; ++seed) {
        scratch_folder after;
        disk.lay_out_disk(after.path(), how, static_cast<std::uint64_t>(nth * 100 + seed));
        fault_vfs well;
        auto db = open_on(well, after.file("journal.db"));
        ASSERT_TRUE(db) << to_string(db.error()) << " after a cut at change " << nth;
        auto there = numbers_in(**db);
        EXPECT_TRUE(includes(there, acknowledged))
            << "cut at change " << nth << ", " << static_cast<int>(how);
        EXPECT_LE(there.size(), acknowledged.size() + 1) << "only the sale under way may be there besides";
        if (!there.empty()) {
          EXPECT_EQ(*there.rbegin(), static_cast<int>(there.size())) << "no hole";
        }
        EXPECT_EQ(integrity(**db), "ok");
        EXPECT_TRUE(sell(**db, 1000));
        ++cuts;
      }
    }
    if (!disk.power_is_cut()) break;
  }
  EXPECT_GT(cuts, 300);
}

// The control: the same cuts must find losses where the policy is not kept, or the test above proves nothing.
TEST(power_cuts, do_lose_sales_of_a_database_that_does_not_flush) {
  int lost = 0;
  for (int nth = 1; nth < 60; ++nth) {
    scratch_folder folder, after;
    fault_vfs disk;
    disk.cut_power_at(nth);
    std::set<int> acknowledged;
    {
      auto db = open_on(disk, folder.file("journal.db"));
      if (!db || !(*db)->execute("PRAGMA synchronous=NORMAL")) continue;
      for (int number = 1; number <= 6 && sell(**db, number); ++number) acknowledged.insert(number);
    }
    disk.lay_out_disk(after.path(), fault_vfs::unsynced::none, 1);
    fault_vfs well;
    auto db = open_on(well, after.file("journal.db"));
    if (!db || !includes(numbers_in(**db), acknowledged)) ++lost;
  }
  EXPECT_GT(lost, 0);
}

TEST(full_disk, does_not_hide_a_failing_one) {
  scratch_folder folder;
  fault_vfs disk;
  auto db = open_on(disk, folder.file("journal.db"));
  ASSERT_TRUE(sell(**db, 1));
  disk.fail(operation::write, 1, EDQUOT);
  EXPECT_EQ(sell(**db, 2).error().code, errc::storage_full);
  disk.fail(operation::write, 1, EIO);
  EXPECT_EQ((*db)->checkpoint().error().code, errc::storage_failed) << "in the other file";
  EXPECT_TRUE((*db)->failed());
}

// On a real small file system where we may mount one, else with the limit that the kernel puts on a file's
// size.
TEST(full_disk, leaves_a_real_database_whole_and_its_rows_readable) {
  scratch_folder folder;
  bool mounted = ::mount("none", folder.path().c_str(), "tmpfs", 0, "size=512k") == 0;
  rlimit before{};
  ::getrlimit(RLIMIT_FSIZE, &before);
  auto old_signal = std::signal(SIGXFSZ, SIG_IGN);
  auto limit = [&](rlim_t size) {
    rlimit now{size, before.rlim_max};
    EXPECT_EQ(::setrlimit(RLIMIT_FSIZE, &now), 0);
  };
  {
    auto db = database::open(folder.file("journal.db"), schema, {});
    ASSERT_TRUE(db) << to_string(db.error());
    ballast reserve(folder.file("ballast"), 64 << 10);
    if (mounted) {
      reserve.restore();
      EXPECT_TRUE(reserve.present());
    } else {
      limit(256 << 10);
    }
    int stored = 0;
    result<> sold;
    while (stored < 5000 && sold) {
      sold = sell(**db, stored + 1, 1000);
      if (sold && ++stored % 20 == 0) sold = (*db)->checkpoint();  // as its owner does
    }
    ASSERT_FALSE(sold);
    EXPECT_EQ(sold.error().code, errc::storage_full) << sold.error().detail;
    EXPECT_GT(stored, 50);
    EXPECT_FALSE((*db)->failed());
    EXPECT_EQ(numbers_in(**db).size(), static_cast<std::size_t>(stored));
    if (mounted) {
      reserve.release();
      EXPECT_FALSE(reserve.present());
      EXPECT_FALSE(std::filesystem::exists(folder.file("ballast")));
      reserve.restore();
      EXPECT_FALSE(reserve.present()) << "there is no room for it yet";
    } else {
      limit(before.rlim_cur);
    }
    auto moved = (*db)->checkpoint();
    EXPECT_TRUE(moved) << "with the reserve given back the log can be moved: " << moved.error().detail;
    EXPECT_TRUE((*db)->execute("DELETE FROM sale WHERE number < 10"));
    EXPECT_TRUE(sell(**db, 100'000));
  }
  limit(before.rlim_cur);
  std::signal(SIGXFSZ, old_signal);
  if (mounted) ::umount(folder.path().c_str());
}

TEST(ballast, takes_up_the_room_that_it_promises_to_give_back) {
  scratch_folder folder;
  ballast reserve(folder.file("ballast"), 1 << 20);
  EXPECT_FALSE(reserve.present());
  reserve.restore();
  ASSERT_TRUE(reserve.present());
  EXPECT_EQ(std::filesystem::file_size(folder.file("ballast")), 1u << 20);
  reserve.restore();
  EXPECT_TRUE(reserve.present());
  std::filesystem::resize_file(folder.file("ballast"), 1000);
  ballast next_start(folder.file("ballast"), 1 << 20);
  next_start.restore();
  EXPECT_TRUE(next_start.present());
  EXPECT_EQ(std::filesystem::file_size(folder.file("ballast")), 1u << 20) << "a short file is made whole";
  next_start.release();
  EXPECT_FALSE(std::filesystem::exists(folder.file("ballast")));
  next_start.restore();
  EXPECT_TRUE(next_start.present());
}

TEST(ballast, is_not_laid_out_where_it_would_fill_the_disk_itself) {
  scratch_folder folder;
  ballast reserve(folder.file("ballast"), std::int64_t{1} << 50);
  reserve.restore();
  EXPECT_FALSE(reserve.present());
  EXPECT_FALSE(std::filesystem::exists(folder.file("ballast")));
}
