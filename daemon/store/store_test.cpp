#include "daemon/store/store.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <cerrno>
#include <thread>

#include <boost/asio/io_context.hpp>

#include "base/sealed.hpp"
#include "base/sqlite.hpp"
#include "tests/support/fault_vfs.hpp"
#include "tests/support/scratch.hpp"

using namespace tilld;
using namespace tilld::daemon;
using base::errc;
using base::error;
using base::result;
using std::chrono::milliseconds;
using threads = store::options::threads;

namespace {

constexpr auto patience = std::chrono::seconds(20);

// A store on a disk that fails on order, and the loop that it lives in.
class till {
 public:
  explicit till(threads where = threads::always_io_thread) : where_(where) { open(); }

  void open() {
    s_.reset();
    store::options how;
    how.folder = folder_.path();
    how.till = "till-1";
    how.destinations = {"ledger"};
    how.vfs = disk.name();
    how.where = where_;
    auto opened = store::open(io_.get_executor(), clock_, how);
    ASSERT_TRUE(opened) << base::to_string(opened.error());
    s_ = std::move(*opened);
  }
  void close() { s_.reset(); }

  store& operator*() { return *s_; }
  store* operator->() { return s_.get(); }

  // Hands a sale in; its outcome appears in `told`.
  void sell(std::int64_t minor, std::optional<result<>>& told, const std::string& body = "{}") {
    journal_entry entry{"sale", body, base::money{minor, "EUR"}};
    s_->submit(
        work_kind::books,
        [entry](rows& in) -> result<> {
          auto appended = in.append(entry);
          if (!appended) return appended.error();
          return {};
        },
        [&told](result<> r) { told = std::move(r); });
  }
  result<> sell(std::int64_t minor) {
    std::optional<result<>> told;
    sell(minor, told);
    return wait(told);
  }
  result<> run(work_kind kind, store::work w) {
    std::optional<result<>> told;
    s_->submit(kind, std::move(w), [&told](result<> r) { told = std::move(r); });
    return wait(told);
  }

  // Runs the loop until it was told.
  result<> wait(std::optional<result<>>& told) {
    auto until = std::chrono::steady_clock::now() + patience;
    while (!told && std::chrono::steady_clock::now() < until) {
      io_.restart();
      io_.run_one_for(milliseconds(100));
    }
    if (!told) return error{errc::internal, "nobody was told"};
    return *told;
  }
  void turn_once() {
    io_.restart();
    io_.run_one_for(milliseconds(10));
  }
  // How many records a till finds on this disk when the power is cut now.
  std::size_t records_after_power_cut(tests::fault_vfs::unsynced how) {
    tests::scratch_folder after;
    disk.lay_out_disk(after.path(), how, 1);
    store::options settings;
    settings.folder = after.path();
    settings.till = "till-1";
    settings.destinations = {"ledger"};
    settings.where = threads::always_io_thread;
    boost::asio::io_context io;
    auto opened = store::open(io.get_executor(), clock_, settings);
    EXPECT_TRUE(opened) << base::to_string(opened.error());
    return opened ? (*opened)->head().sequence : 0;
  }
  // Runs what is ready.
  void turn() {
    io_.restart();
    io_.poll();
  }

  std::size_t records() {
    std::size_t count = 0;
    auto read = run(work_kind::reads, [&count](rows& in) -> result<> {
      auto all = in.read(1, 1000, 1 << 20);
      if (!all) return all.error();
      count = all->size();
      return {};
    });
    EXPECT_TRUE(read);
    return count;
  }

  tests::fault_vfs disk;

 private:
  threads where_;
  tests::scratch_folder folder_;
  base::test_clock clock_;
  boost::asio::io_context io_;
  std::unique_ptr<store> s_;
};

operation_row operation(const std::string& key, operation_state state) {
  operation_row row;
  row.key = {"unix:0", "printer.print", key};
  row.id = base::uuid::v7(1'700'000'000'000);
  row.state = state;
  row.device = "printer";
  return row;
}

}  // namespace

TEST(store, tells_nobody_before_the_flush_returned_on_its_own_thread) {
  till t(threads::always_own_thread);
  ASSERT_TRUE(t.sell(100));
  t.disk.hold_syncs();
  std::optional<result<>> told;
  t.sell(200, told);
  auto until = std::chrono::steady_clock::now() + patience;
  while (!t.disk.wait_for_held_sync(milliseconds(1)) && std::chrono::steady_clock::now() < until) t.turn();
  ASSERT_TRUE(t.disk.wait_for_held_sync(milliseconds(0)));
  // The loop goes on, status answers from memory, and shows what is durable.
  for (int i = 0; i < 1000; ++i) t.turn();
  EXPECT_FALSE(told);
  EXPECT_EQ(t->head().sequence, 1u);
  EXPECT_EQ(t->backlogs().front().records, 1u);
  EXPECT_EQ(t->backlogs().front().money.front().minor, 100);
  t.disk.release_syncs();
  ASSERT_TRUE(t.wait(told));
  EXPECT_EQ(t->head().sequence, 2u);
  EXPECT_EQ(t->backlogs().front().money.front().minor, 300);
}

TEST(store, tells_nobody_before_the_flush_returned_on_the_io_thread) {
  till t(threads::always_io_thread);
  ASSERT_TRUE(t.sell(100));
  t.disk.hold_syncs();
  std::atomic<bool> was_told = false, told_too_early = false, held = false;
  std::thread watcher([&] {
    held = t.disk.wait_for_held_sync(std::chrono::duration_cast<milliseconds>(patience));
    told_too_early = was_told.load();
    t.disk.release_syncs();
  });
  std::optional<result<>> told;
  t->submit(
      work_kind::books,
      [](rows& in) -> result<> {
        journal_entry entry{"sale", "{}", std::nullopt};
        auto appended = in.append(entry);
        if (!appended) return appended.error();
        return {};
      },
      [&](result<> r) {
        was_told = true;
        told = std::move(r);
      });
  ASSERT_TRUE(t.wait(told));
  watcher.join();
  EXPECT_TRUE(held);
  EXPECT_FALSE(told_too_early);
}

TEST(store, gives_one_flush_to_what_came_together_and_tells_in_the_order_of_submission) {
  till t;
  ASSERT_TRUE(t.sell(1));
  auto before = t.disk.syncs();
  std::vector<int> order;
  int left = 50;
  for (int i = 0; i < 50; ++i)
    t->submit(
        work_kind::books,
        [](rows& in) -> result<> {
          journal_entry entry{"sale", "{}", base::money{1, "EUR"}};
          auto appended = in.append(entry);
          if (!appended) return appended.error();
          return {};
        },
        [&, i](result<> r) {
          EXPECT_TRUE(r);
          order.push_back(i);
          --left;
        });
  auto until = std::chrono::steady_clock::now() + patience;
  while (left > 0 && std::chrono::steady_clock::now() < until) t.turn();
  ASSERT_EQ(order.size(), 50u);
  EXPECT_TRUE(std::is_sorted(order.begin(), order.end()));
  EXPECT_EQ(t.disk.syncs(), before + 1);
}

TEST(store, lets_a_piece_of_work_that_fails_leave_no_trace_and_touch_no_neighbour) {
  till t;
  std::optional<result<>> first, second, third;
  t.sell(100, first);
  t->submit(
      work_kind::books,
      [](rows& in) -> result<> {
        journal_entry entry{"sale", R"({"of":"the one that fails"})", base::money{999, "EUR"}};
        auto appended = in.append(entry);
        if (!appended) return appended.error();
        return error{errc::declined, "on second thoughts"};
      },
      [&](result<> r) { second = std::move(r); });
  t.sell(300, third);
  ASSERT_TRUE(t.wait(third));
  EXPECT_TRUE(*first);
  EXPECT_EQ(second->error().code, errc::declined);
  EXPECT_EQ(t->head().sequence, 2u);
  EXPECT_EQ(t->backlogs().front().money.front().minor, 400);
  EXPECT_EQ(t.records(), 2u);
}

TEST(store, shows_a_reader_of_the_same_group_nothing_that_the_flush_undid) {
  till t;
  ASSERT_TRUE(t.sell(100));
  t.disk.fail(tests::fault_vfs::operation::sync, 1, EIO);
  std::optional<result<>> sold, read;
  std::size_t seen = 0;
  t.sell(200, sold);
  t->submit(
      work_kind::reads,
      [&seen](rows& in) -> result<> {
        auto all = in.read(1, 10, 1 << 20);
        if (!all) return all.error();
        seen = all->size();
        return {};
      },
      [&](result<> r) { read = std::move(r); });
  ASSERT_TRUE(t.wait(read));
  EXPECT_EQ(seen, 1u);
  EXPECT_FALSE(sold) << "it waits for a file that can be trusted";
  EXPECT_TRUE(t.wait(sold));
}

TEST(store, goes_on_in_a_fresh_file_after_one_flush_failed_and_the_sale_only_waits) {
  till t;
  ASSERT_TRUE(t.sell(100));
  t.disk.fail(tests::fault_vfs::operation::sync, 1, EIO);
  EXPECT_TRUE(t.sell(200));
  EXPECT_FALSE(t->failed());
  EXPECT_FALSE(t->copying());
  EXPECT_EQ(t->fresh_copies(), 1u);
  EXPECT_EQ(t->head().sequence, 2u);
  EXPECT_EQ(t->backlogs().front().money.front().minor, 300);
  EXPECT_TRUE(t.sell(300));
  t.close();
  t.open();
  EXPECT_EQ(t->head().sequence, 3u);
  EXPECT_EQ(t->backlogs().front().money.front().minor, 600);
}

TEST(store, acknowledges_nothing_when_the_copy_fails_too_and_still_reads) {
  till t;
  ASSERT_TRUE(t.sell(100));
  t.disk.fail(tests::fault_vfs::operation::sync, 1, EIO, tests::fault_vfs::repeat::for_ever);
  EXPECT_EQ(t.sell(200).error().code, errc::storage_failed);
  EXPECT_TRUE(t->failed());
  EXPECT_EQ(t->fresh_copies(), 0u);
  EXPECT_EQ(t.sell(300).error().code, errc::storage_failed);
  EXPECT_EQ(t->head().sequence, 1u);
  EXPECT_EQ(t.records(), 1u) << "what is there is still read";
  // A new process under the same kernel does not trust the file either, and copies it first.
  t.disk.heal();
  t.close();
  t.open();
  EXPECT_EQ(t->fresh_copies(), 1u);
  EXPECT_GE(t->head().sequence, 1u);
  EXPECT_LE(t->head().sequence, 2u);
  ASSERT_TRUE(t.sell(400));
}

TEST(store, goes_on_in_a_fresh_file_that_begins_where_the_old_one_did) {
  till t;
  for (int i = 1; i <= 6; ++i) ASSERT_TRUE(t.sell(100 * i));
  ASSERT_TRUE(t.run(work_kind::books, [](rows& in) -> result<> {
    auto last = in.read(4, 1, 1);
    if (!last) return last.error();
    return in.remove_up_to({1, 4, last->front().hash});
  }));
  t.disk.fail(tests::fault_vfs::operation::sync, 1, EIO);
  ASSERT_TRUE(t.sell(700));
  EXPECT_EQ(t->head().sequence, 7u);
  EXPECT_EQ(t->beginning().sequence, 4u);
  EXPECT_FALSE(t->failed());
}

TEST(store, serves_readers_while_it_copies_and_writers_behind_it_in_their_order) {
  till t(threads::always_own_thread);
  ASSERT_TRUE(t.sell(100));
  std::optional<result<>> first, second, read;
  t.disk.fail(tests::fault_vfs::operation::sync, 1, EIO);
  t.sell(200, first, R"({"n":1})");
  while (!t->copying() && !first) t.turn();
  ASSERT_TRUE(t->copying());
  t.disk.hold_syncs();
  t.sell(300, second, R"({"n":2})");
  std::size_t seen = 0;
  t->submit(
      work_kind::reads,
      [&seen](rows& in) -> result<> {
        auto all = in.read(1, 10, 1 << 20);
        if (!all) return all.error();
        seen = all->size();
        return {};
      },
      [&](result<> r) { read = std::move(r); });
  t.disk.release_syncs();
  ASSERT_TRUE(t.wait(read));
  EXPECT_EQ(seen, 1u) << "the old file as it was before the flush failed";
  EXPECT_FALSE(first);
  ASSERT_TRUE(t.wait(second));
  ASSERT_TRUE(first);
  EXPECT_TRUE(*first);
  std::vector<std::string> bodies;
  ASSERT_TRUE(t.run(work_kind::reads, [&bodies](rows& in) -> result<> {
    auto all = in.read(2, 10, 1 << 20);
    if (!all) return all.error();
    for (auto& r : *all) bodies.push_back(r.body);
    return {};
  }));
  EXPECT_EQ(bodies, (std::vector<std::string>{R"({"n":1})", R"({"n":2})"}));
}

// The first operation fails the flush of a sale; the second fails the n-th operation from there on, which is
// one of the copy's own until none is met: once, and for ever.
TEST(store, loses_nothing_when_the_disk_fails_again_while_it_copies_at_any_operation) {
  using operation = tests::fault_vfs::operation;
  using repeat = tests::fault_vfs::repeat;
  int recovered = 0, stopped = 0;
  for (auto what : {operation::write, operation::sync, operation::read, operation::truncate})
    for (auto how : {repeat::once, repeat::for_ever})
      for (int nth = 1; nth < 200; ++nth) {
        till t;
        std::size_t acknowledged = 0;
        for (int i = 0; i < 5; ++i) acknowledged += t.sell(1).has_value();
        ASSERT_EQ(acknowledged, 5u);
        t.disk.fail(operation::sync, 1, EIO);
        std::optional<result<>> sixth;
        t.sell(1, sixth);
        while (!t->copying() && !sixth) t.turn_once();
        ASSERT_TRUE(t->copying());
        t.disk.fail(what, nth, EIO, how);
        acknowledged += t.wait(sixth).has_value();
        bool met = t.disk.met(what);
        for (int i = 0; i < 3; ++i) acknowledged += t.sell(1).has_value();
        EXPECT_EQ(t->head().sequence, acknowledged);
        (t->failed() ? stopped : recovered) += 1;
        if (how == repeat::once && !met) break;
        if (how == repeat::once) {
          EXPECT_FALSE(t->failed()) << static_cast<int>(what) << " " << nth;
        }

        // The machine dies: the platter has what was flushed, and nothing or all of what was not.
        for (auto unflushed : {tests::fault_vfs::unsynced::none, tests::fault_vfs::unsynced::all}) {
          auto there = t.records_after_power_cut(unflushed);
          EXPECT_GE(there, acknowledged) << static_cast<int>(what) << " " << nth;
          EXPECT_LE(there, acknowledged + 1) << static_cast<int>(what) << " " << nth;
        }
        if (how == repeat::for_ever && !met) break;
      }
  EXPECT_GT(recovered, 20);
  EXPECT_GT(stopped, 20);
}

TEST(store, refuses_sales_on_a_full_disk_drains_meanwhile_and_recovers_by_itself) {
  till t;
  ASSERT_TRUE(t.sell(100));
  t.disk.fail(tests::fault_vfs::operation::write, 1, ENOSPC);
  EXPECT_EQ(t.sell(200).error().code, errc::storage_full);
  EXPECT_TRUE(t->full());
  EXPECT_EQ(t->head().sequence, 1u);

  // Room enough for the little that draining writes, thanks to the ballast.
  std::optional<result<>> acknowledged;
  base::byte_string witness{1, 2, 3};
  t->acknowledge("ledger", witness, 1, [&](result<> r) { acknowledged = std::move(r); });
  ASSERT_TRUE(t.wait(acknowledged));
  EXPECT_EQ(t->backlogs().front().records, 0u);

  // The test's disk has room; the ballast is whole again with the next group, and sales are taken.
  EXPECT_TRUE(t.sell(300));
  EXPECT_FALSE(t->full());
  EXPECT_EQ(t->head().sequence, 2u);
}

TEST(store, knows_the_backlog_in_money_and_since_when_over_a_restart) {
  till t;
  ASSERT_TRUE(t.sell(100));
  ASSERT_TRUE(t.sell(-30));
  std::optional<result<>> acknowledged;
  t->acknowledge("ledger", base::byte_string{7}, 1, [&](result<> r) { acknowledged = std::move(r); });
  ASSERT_TRUE(t.wait(acknowledged));
  for (int life = 0; life < 2; ++life) {
    auto b = t->backlogs().front();
    EXPECT_EQ(b.records, 1u);
    EXPECT_EQ(b.acknowledged, 1u);
    EXPECT_EQ(b.money.front().minor, -30);
    EXPECT_EQ(b.money.front().count, 1);
    EXPECT_TRUE(b.oldest_ms);
    EXPECT_EQ(t->witness_of("ledger"), base::byte_string{7});
    t.close();
    t.open();
  }
}

TEST(store, calls_unknown_what_was_running_when_it_died) {
  till t;
  auto running = operation("a", operation_state::running), done = operation("b", operation_state::done);
  ASSERT_TRUE(t.run(work_kind::housekeeps, [&](rows& in) { return in.put_operation(running); }));
  ASSERT_TRUE(t.run(work_kind::housekeeps, [&](rows& in) { return in.put_operation(done); }));
  t.close();
  t.open();
  ASSERT_EQ(t->became_unknown().size(), 1u);
  EXPECT_EQ(t->became_unknown().front().key, running.key);
  std::optional<operation_row> found;
  ASSERT_TRUE(t.run(work_kind::reads, [&](rows& in) -> result<> {
    auto row = in.find_operation(running.key);
    if (!row) return row.error();
    found = std::move(*row);
    return {};
  }));
  ASSERT_TRUE(found);
  EXPECT_EQ(found->state, operation_state::unknown);
  EXPECT_EQ(found->id, running.id);
  EXPECT_EQ(found->device, "printer");
}

TEST(store, does_not_open_the_journal_of_another_till) {
  tests::scratch_folder folder;
  base::test_clock clock;
  boost::asio::io_context io;
  store::options how;
  how.folder = folder.path();
  how.where = threads::always_io_thread;
  for (auto [name, opens] : {std::pair("till-1", true), std::pair("till-2", false)}) {
    how.till = name;
    auto s = store::open(io.get_executor(), clock, how);
    ASSERT_EQ(s.has_value(), opens);
    if (!opens) {
      EXPECT_EQ(s.error().code, errc::config_wrong_value);
      continue;
    }
    std::optional<result<>> told;
    (*s)->submit(
        work_kind::books,
        [](rows& in) -> result<> {
          journal_entry entry{"sale", "{}", std::nullopt};
          auto appended = in.append(entry);
          if (!appended) return appended.error();
          return {};
        },
        [&](result<> r) { told = std::move(r); });
    while (!told) io.run_one_for(milliseconds(100));
    ASSERT_TRUE(*told);
  }
}

namespace tilld::daemon {
std::span<const base::migration> journal_migrations();
}

TEST(store, keeps_tokens_of_its_first_version_and_believes_no_origin_that_was_changed_on_the_disk) {
  tests::scratch_folder folder;
  base::test_clock clock;
  auto seals = base::seal_keys::open(folder.file("sealed.keys"));
  ASSERT_TRUE(seals);
  // Opens, changes the file by hand, and says which tokens are there.
  auto tokens_after = [&](const std::string& sql, std::vector<token_row> put = {}) {
    auto db = base::database::open(folder.file("journal.db"), journal_migrations(), {});
    EXPECT_TRUE(db);
    auto changed = (*db)->execute(sql);
    EXPECT_TRUE(changed) << sql;
    auto in = rows::open(**db, *seals, "till-1", clock);
    EXPECT_TRUE(in) << sql;
    std::vector<std::string> ids;
    if (!in) return ids;
    for (auto& row : put) EXPECT_TRUE((*in)->put_token(row));
    auto all = (*in)->tokens();
    EXPECT_TRUE(all);
    for (auto& row : *all) ids.push_back(row.id + row.origin);
    return ids;
  };
  using ids = std::vector<std::string>;
  token_row program{"aa", "till", "", {}, 1, ""}, page{"bb", "till", "", {}, 2, "https://till.example"};
  EXPECT_EQ(tokens_after("", {program}), ids{"aa"});
  // Back to the file as version 1 left it.
  {
    auto db = base::database::open(folder.file("journal.db"), journal_migrations(), {});
    ASSERT_TRUE(db);
    ASSERT_TRUE((*db)->execute("ALTER TABLE token DROP COLUMN origin; PRAGMA user_version = 1"));
  }
  EXPECT_EQ(tokens_after("", {page}), (ids{"aa", "bbhttps://till.example"}));
  EXPECT_EQ(tokens_after("UPDATE token SET origin = 'https://evil.example'"), ids{});
  EXPECT_EQ(tokens_after("UPDATE token SET origin = ''"), ids{"aa"});
}
