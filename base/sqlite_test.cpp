#include "base/sqlite.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <fstream>

#include "base/file.hpp"
#include "tests/support/scratch.hpp"

using namespace tilld::base;
using tilld::tests::scratch_folder;

namespace {

constexpr migration first_schema[] = {
    {1, "CREATE TABLE sale(number INTEGER PRIMARY KEY, body TEXT) STRICT;"}};

std::unique_ptr<database> open_good(const std::string& path,
                                    std::span<const migration> migrations = first_schema) {
  auto db = database::open(path, migrations, {});
  EXPECT_TRUE(db) << to_string(db.error());
  return db ? std::move(*db) : nullptr;
}

errc refusal(const std::string& path, std::span<const migration> migrations = first_schema,
             database::options how = {}) {
  auto db = database::open(path, migrations, how);
  EXPECT_FALSE(db);
  return db ? errc{} : db.error().code;
}

std::string one_text(database& db, const std::string& sql) {
  auto query = db.prepare(sql);
  EXPECT_TRUE(query) << to_string(query.error());
  auto row = query->step();
  EXPECT_TRUE(row && *row) << sql;
  return query->text(0);
}

// Another process, started before this one opens anything: a child that inherited SQLite's own notes about
// who has which lock would ask those and not the kernel.
class another_process {
 public:
  explicit another_process(const std::string& path) {
    int fds[2];
    EXPECT_EQ(::pipe2(fds, O_CLOEXEC), 0);
    child_ = ::fork();
    if (child_ == 0) {
      char go;
      if (::read(fds[0], &go, 1) != 1) ::_exit(9);
      auto db = database::open(path, first_schema, {});
      ::_exit(db ? 0 : db.error().code == errc::storage_locked ? 1 : 2);
    }
    ::close(fds[0]);
    go_ = unique_fd(fds[1]);
  }
  // What it gets when it opens the file now.
  std::string opens() {
    EXPECT_EQ(::write(go_.get(), "g", 1), 1);
    int status = 0;
    ::waitpid(child_, &status, 0);
    if (!WIFEXITED(status)) return "died";
    return WEXITSTATUS(status) == 0   ? "opened"
           : WEXITSTATUS(status) == 1 ? "storage_locked"
                                      : "another error";
  }

 private:
  pid_t child_ = -1;
  unique_fd go_;
};

mode_t mode_of(const std::string& path) {
  struct stat found {};
  return ::stat(path.c_str(), &found) == 0 ? found.st_mode & 07777 : 0;
}

}  // namespace

TEST(database, has_its_storage_policy_in_force) {
  scratch_folder folder;
  auto db = open_good(folder.file("journal.db"));
  const std::pair<const char*, const char*> policy[] = {{"locking_mode", "exclusive"},
                                                        {"journal_mode", "wal"},
                                                        {"synchronous", "2"},
                                                        {"wal_autocheckpoint", "0"},
                                                        {"cell_size_check", "1"},
                                                        {"trusted_schema", "0"},
                                                        {"mmap_size", "0"},
                                                        {"foreign_keys", "1"},
                                                        {"cache_size", "-4096"},
                                                        {"temp_store", "2"}};
  for (auto [pragma, value] : policy)
    EXPECT_EQ(one_text(*db, std::string("PRAGMA ") + pragma), value) << pragma;
  EXPECT_FALSE(std::filesystem::exists(folder.file("journal.db-shm")))
      << "no shared memory: one connection only";
}

TEST(database, is_made_with_its_folder_for_the_owner_only) {
  scratch_folder folder;
  auto old_mask = ::umask(0);
  auto path = folder.file("state/deep/journal.db");
  auto db = open_good(path);
  ASSERT_TRUE(db->execute("INSERT INTO sale VALUES(1,'x')"));
  ::umask(old_mask);
  EXPECT_EQ(mode_of(folder.file("state")), 0700u);
  EXPECT_EQ(mode_of(folder.file("state/deep")), 0700u);
  EXPECT_EQ(mode_of(path), 0600u);
  EXPECT_EQ(mode_of(path + "-wal"), 0600u);
}

TEST(database, is_not_made_when_nobody_asked_for_it) {
  scratch_folder folder;
  EXPECT_EQ(refusal(folder.file("journal.db"), first_schema, {.create = false}), errc::storage_failed);
  EXPECT_FALSE(std::filesystem::exists(folder.file("journal.db")));
}

TEST(database, is_refused_to_a_second_process) {
  scratch_folder folder;
  auto path = folder.file("journal.db");
  another_process idle(path), busy(path), late(path);
  {
    auto db = open_good(path);
    EXPECT_EQ(idle.opens(), "storage_locked");
    ASSERT_TRUE(db->execute("INSERT INTO sale VALUES(1,'x')"));
    EXPECT_EQ(busy.opens(), "storage_locked");
  }
  EXPECT_EQ(late.opens(), "opened");
}

// POSIX drops a process's locks on a file as soon as it closes any descriptor of that file.
TEST(database, stays_refused_to_others_after_a_second_try_in_the_same_process) {
  scratch_folder folder;
  auto path = folder.file("journal.db");
  another_process other(path);
  auto db = open_good(path);
  EXPECT_EQ(refusal(path), errc::storage_locked);
  EXPECT_EQ(other.opens(), "storage_locked");
}

TEST(database, of_a_newer_program_is_refused_and_left_alone) {
  scratch_folder folder;
  auto path = folder.file("journal.db");
  constexpr migration newer[] = {{1, "CREATE TABLE sale(number INTEGER PRIMARY KEY, body TEXT) STRICT;"},
                                 {2, "CREATE TABLE refund(number INTEGER PRIMARY KEY) STRICT;"}};
  { open_good(path, newer); }
  EXPECT_EQ(refusal(path), errc::storage_newer);
  EXPECT_EQ(one_text(*open_good(path, newer), "PRAGMA user_version"), "2");
}

TEST(database, runs_the_missing_migrations_only) {
  scratch_folder folder;
  auto path = folder.file("journal.db");
  { ASSERT_TRUE(open_good(path)->execute("INSERT INTO sale VALUES(1,'kept')")); }
  constexpr migration grown[] = {
      first_schema[0],
      {2, "CREATE TABLE refund(number INTEGER PRIMARY KEY) STRICT; INSERT INTO refund VALUES(7);"},
      {3, "ALTER TABLE refund ADD COLUMN reason TEXT;"}};
  for (int start = 0; start < 2; ++start) {
    auto db = open_good(path, grown);
    EXPECT_EQ(one_text(*db, "SELECT body FROM sale"), "kept");
    EXPECT_EQ(one_text(*db, "SELECT count(*) FROM refund"), "1");
    EXPECT_EQ(one_text(*db, "PRAGMA user_version"), "3");
  }
}

TEST(database, keeps_its_old_schema_when_a_migration_fails_in_the_middle) {
  scratch_folder folder;
  auto path = folder.file("journal.db");
  { ASSERT_TRUE(open_good(path)->execute("INSERT INTO sale VALUES(1,'kept')")); }
  constexpr migration broken[] = {
      first_schema[0],
      {2, "CREATE TABLE refund(number INTEGER PRIMARY KEY) STRICT; DELETE FROM sale;"},
      {3, "CREATE TABLE voucher(number INTEGER PRIMARY KEY) STRICT; INSERT INTO missing VALUES(1);"}};
  EXPECT_EQ(refusal(path, broken), errc::internal);
  auto db = open_good(path);
  EXPECT_EQ(one_text(*db, "PRAGMA user_version"), "1");
  EXPECT_EQ(one_text(*db, "SELECT body FROM sale"), "kept");
  EXPECT_EQ(one_text(*db, "SELECT group_concat(name) FROM sqlite_schema WHERE type='table'"), "sale");
}

TEST(database, that_is_something_else_is_called_damaged_and_left_alone) {
  scratch_folder folder;
  auto path = folder.file("journal.db");
  std::string letter(5000, 'x');
  std::ofstream(path) << letter;
  EXPECT_EQ(refusal(path), errc::journal_damaged);
  EXPECT_EQ(as_text(*read_file(path)), letter);
}

TEST(database, in_a_place_that_cannot_be_is_a_storage_failure) {
  scratch_folder folder;
  std::ofstream(folder.file("file")) << "x";
  EXPECT_EQ(refusal(folder.file("file/journal.db")), errc::storage_failed);
  ASSERT_TRUE(std::filesystem::create_directory(folder.file("folder.db")));
  EXPECT_EQ(refusal(folder.file("folder.db")), errc::storage_failed);
}

TEST(database, rolls_back_what_was_not_committed) {
  scratch_folder folder;
  auto db = open_good(folder.file("journal.db"));
  db->rollback();  // outside a transaction it does nothing
  ASSERT_TRUE(db->begin());
  EXPECT_TRUE(db->in_transaction());
  ASSERT_TRUE(db->execute("INSERT INTO sale VALUES(1,'gone')"));
  EXPECT_EQ(db->changes(), 1);
  db->rollback();
  EXPECT_FALSE(db->in_transaction());
  EXPECT_EQ(one_text(*db, "SELECT count(*) FROM sale"), "0");
  EXPECT_FALSE(db->commit()) << "there is nothing to commit";
  EXPECT_FALSE(db->failed()) << "and that is no fault of the disk";
}

TEST(database, moves_its_log_into_the_file_when_it_is_told_to_and_never_by_itself) {
  scratch_folder folder;
  auto path = folder.file("journal.db");
  auto db = open_good(path);
  ASSERT_TRUE(db->checkpoint());
  EXPECT_EQ(db->wal_pages(), 0);
  auto size = std::filesystem::file_size(path);
  auto insert = db->prepare("INSERT INTO sale(body) VALUES(?)");
  ASSERT_TRUE(insert);
  for (int round = 0; round < 6; ++round) {
    ASSERT_TRUE(db->begin());
    for (int i = 0; i < 200; ++i) ASSERT_TRUE(insert->bind(std::string(3000, 'x')).run());
    ASSERT_TRUE(db->commit());
  }
  EXPECT_GT(db->wal_pages(), 1000) << "SQLite's own limit is 1000 pages";
  EXPECT_EQ(std::filesystem::file_size(path), size);
  ASSERT_TRUE(db->checkpoint());
  EXPECT_EQ(db->wal_pages(), 0);
  EXPECT_GT(std::filesystem::file_size(path), 1200u * 3000);
  ASSERT_TRUE(insert->bind("after").run());
  EXPECT_LT(db->wal_pages(), 10) << "the log starts again from its beginning";
}

TEST(statement, binds_and_reads_each_kind_of_value) {
  scratch_folder folder;
  auto db = open_good(folder.file("journal.db"));
  auto echo = db->prepare("SELECT ?,?,?,?,?,?,?,?,?,?");
  ASSERT_TRUE(echo);
  std::string text_with_zero("a\0b", 3);
  byte_string blob{1, 0, 2};
  hash256 hash{};
  hash[31] = 9;
  std::optional<std::int64_t> none;
  std::optional<std::string> some = "some";
  echo->bind(std::int64_t{-5}, std::uint64_t{1} << 62, text_with_zero, blob, hash, nullptr, none, some, "",
             byte_view{});
  ASSERT_TRUE(*echo->step());
  EXPECT_EQ(echo->integer(0), -5);
  EXPECT_EQ(echo->integer(1), std::int64_t{1} << 62);
  EXPECT_EQ(echo->text(2), text_with_zero);
  EXPECT_EQ(byte_string(echo->blob(3).begin(), echo->blob(3).end()), blob);
  EXPECT_EQ(echo->array<32>(4), hash);
  EXPECT_TRUE(echo->is_null(5));
  EXPECT_TRUE(echo->is_null(6));
  EXPECT_EQ(echo->text(7), "some");
  EXPECT_FALSE(echo->is_null(8)) << "an empty text is not NULL";
  EXPECT_EQ(echo->text(8), "");
  EXPECT_FALSE(echo->is_null(9)) << "an empty blob is not NULL";
  EXPECT_TRUE(echo->blob(9).empty());
  EXPECT_EQ(echo->text(5), "") << "NULL reads as nothing";
  EXPECT_EQ((echo->array<16>(4)), (std::array<std::uint8_t, 16>{})) << "a blob of another size is no array";
  EXPECT_FALSE(*echo->step());
}

TEST(statement, is_used_again_without_a_trace_of_the_last_time) {
  scratch_folder folder;
  auto db = open_good(folder.file("journal.db"));
  auto insert = db->prepare("INSERT INTO sale(number,body) VALUES(?,?)");
  ASSERT_TRUE(insert->bind(1, "one").run());
  auto twice = insert->bind(1, "again").run();
  ASSERT_FALSE(twice);
  EXPECT_FALSE(db->failed()) << "a rule of the table is not a fault of the disk";
  ASSERT_TRUE(insert->bind(2, nullptr).run());
  auto query = db->prepare("SELECT body FROM sale ORDER BY number");
  for (int round = 0; round < 2; ++round) {
    ASSERT_TRUE(*query->bind().step());
    EXPECT_EQ(query->text(0), "one");
    ASSERT_TRUE(*query->step());
    EXPECT_TRUE(query->is_null(0));
    ASSERT_FALSE(*query->step());
  }
}

TEST(statement, that_is_not_sql_is_refused) {
  scratch_folder folder;
  auto db = open_good(folder.file("journal.db"));
  EXPECT_EQ(db->prepare("SELEKT 1").error().code, errc::internal);
  EXPECT_EQ(db->execute("INSERT INTO missing VALUES(1)").error().code, errc::internal);
  EXPECT_FALSE(db->failed());
}
