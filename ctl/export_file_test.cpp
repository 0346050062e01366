#include "wire/export_file.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include <boost/json.hpp>

#include "base/sqlite.hpp"
#include "ctl/database_copy.hpp"
#include "tests/support/scratch.hpp"
#include "wire/export_samples.hpp"

namespace tilld::ctl {
namespace {

using namespace wire;
using base::errc;
using present = export_file::present;

std::string content(const std::string& path) {
  auto octets = base::read_file(path);
  return octets ? std::string(base::as_text(*octets)) : "unreadable";
}

std::size_t files_in(const std::string& folder) {
  std::size_t n = 0;
  for (auto& entry : std::filesystem::directory_iterator(folder)) n += entry.exists();
  return n;
}

base::result<> write_sample(const std::string& path, present how, std::size_t count) {
  auto file = export_file::create(path, how, {"till-1", {}});
  if (!file) return file.error();
  for (auto& r : sample_records(count))
    if (auto added = (*file)->add(r); !added) return added;
  auto last = count ? sample_records(count).back().hash : base::hash256{};
  if (auto added = (*file)->add(sample_statement({1, count, last})); !added) return added;
  return (*file)->finish();
}

TEST(export_file, is_there_whole_and_for_its_owner_only) {
  tests::scratch_folder folder;
  auto path = folder.file("journal.tilld");
  ASSERT_TRUE(write_sample(path, present::refuse, 3));
  EXPECT_EQ(content(path), sample_export(3));
  EXPECT_EQ(files_in(folder.path()), 1u);
  struct stat found {};
  ASSERT_EQ(::stat(path.c_str(), &found), 0);
  EXPECT_EQ(found.st_mode & 0777, 0600u);
  auto report = verify_export(path);
  ASSERT_TRUE(report);
  EXPECT_TRUE(report->whole());
  EXPECT_EQ(report->records(), 3u);
}

TEST(export_file, replaces_nothing_unless_told_to) {
  tests::scratch_folder folder;
  auto path = folder.file("journal.tilld");
  ASSERT_TRUE(write_sample(path, present::refuse, 1));
  auto again = write_sample(path, present::refuse, 2);
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, errc::file_refused);
  EXPECT_EQ(content(path), sample_export(1));
  ASSERT_TRUE(write_sample(path, present::replace, 2));
  EXPECT_EQ(content(path), sample_export(2));
}

TEST(export_file, replaces_nothing_that_came_while_it_was_written) {
  tests::scratch_folder folder;
  auto path = folder.file("journal.tilld");
  auto file = export_file::create(path, present::refuse, {"till-1", {}});
  ASSERT_TRUE(file);
  ASSERT_TRUE(base::write_file_durably(path, base::as_bytes("mine")));
  auto done = (*file)->finish();
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, errc::file_refused);
  EXPECT_EQ(content(path), "mine");
}

TEST(export_file, leaves_nothing_behind_when_it_is_given_up) {
  tests::scratch_folder folder;
  {
    auto file = export_file::create(folder.file("journal.tilld"), present::refuse, {"till-1", {}});
    ASSERT_TRUE(file);
    for (auto& r : sample_records(2)) ASSERT_TRUE((*file)->add(r));
  }
  EXPECT_EQ(files_in(folder.path()), 0u);
}

TEST(export_file, says_where_it_is_damaged) {
  tests::scratch_folder folder;
  auto path = folder.file("journal.tilld");
  auto octets = sample_export(3);
  auto one = encode(sample_records(1)[0]).size();
  auto in_second_body = export_head_size + one + 165;
  octets[in_second_body] = static_cast<char>(octets[in_second_body] ^ 1);
  ASSERT_TRUE(base::write_file_durably(path, base::as_bytes(octets)));
  auto report = verify_export(path);
  ASSERT_TRUE(report);
  auto said = report->json();
  EXPECT_FALSE(said.at("whole").as_bool());
  EXPECT_EQ(said.at("verified").to_number<int>(), 1);
  EXPECT_EQ(said.at("broken_at").to_number<int>(), 2);
  EXPECT_FALSE(said.at("why").as_string().empty());
}

TEST(export_file, names_a_file_that_was_cut_between_two_records) {
  tests::scratch_folder folder;
  auto path = folder.file("journal.tilld");
  auto octets = sample_export(3);
  octets.resize(export_head_size + 2 * encode(sample_records(1)[0]).size());
  ASSERT_TRUE(base::write_file_durably(path, base::as_bytes(octets)));
  auto report = verify_export(path);
  ASSERT_TRUE(report);
  EXPECT_FALSE(report->whole());
  EXPECT_EQ(report->records(), 2u);
  EXPECT_NE(std::string(report->json().at("why").as_string()).find("before its end mark"), std::string::npos);
}

TEST(export_file, refuses_what_is_no_export) {
  tests::scratch_folder folder;
  EXPECT_EQ(verify_export(folder.file("none")).error().code, errc::file_refused);
  EXPECT_EQ(verify_export(folder.path()).error().code, errc::file_refused);
  for (std::string_view text : {"", "hello", "tilld.expo"}) {
    ASSERT_TRUE(base::write_file_durably(folder.file("x"), base::as_bytes(text)));
    EXPECT_EQ(verify_export(folder.file("x")).error().code, errc::export_damaged) << text;
  }
}

// The part of the till's schema that the copy is read by.
constexpr base::migration schema[] = {
    {1,
     "CREATE TABLE journal (sequence INTEGER PRIMARY KEY, header BLOB, body BLOB, hash BLOB);"
     "CREATE TABLE destination (name TEXT PRIMARY KEY, witness BLOB, sequence INTEGER, row_check BLOB);"}};

class database_copy : public testing::Test {
 protected:
  // Leaves the last rows in the write-ahead log, as a killed daemon does.
  void write(std::size_t count, const std::string& then = "") {
    auto db = base::database::open(folder_.file("live.db"), schema, {});
    ASSERT_TRUE(db) << db.error().detail;
    auto insert = (*db)->prepare("INSERT INTO journal (sequence, header, body, hash) VALUES (?, ?, ?, ?)");
    ASSERT_TRUE(insert);
    auto records = sample_records(count);
    for (std::size_t i = 0; i < count; ++i)
      ASSERT_TRUE(insert
                      ->bind(static_cast<std::int64_t>(i + 1), records[i].header,
                             base::as_bytes(records[i].body), records[i].hash)
                      .run());
    if (!then.empty()) {
      ASSERT_TRUE((*db)->execute(then));
    }
    for (auto name : {"live.db", "live.db-wal"})
      std::filesystem::copy_file(folder_.file(name), folder_.file(std::string(name).replace(0, 4, "dead")));
    live_ = std::move(*db);
  }
  tests::scratch_folder folder_;
  std::unique_ptr<base::database> live_;
};

TEST_F(database_copy, is_read_without_touching_the_original) {
  write(4);
  auto before = content(folder_.file("dead.db")), log_before = content(folder_.file("dead.db-wal"));
  auto files = files_in(folder_.path());
  auto report = verify_database(folder_.file("dead.db"));
  ASSERT_TRUE(report) << report.error().detail;
  EXPECT_TRUE(report->whole());
  EXPECT_EQ(report->records(), 4u);
  EXPECT_EQ(content(folder_.file("dead.db")), before);
  EXPECT_EQ(content(folder_.file("dead.db-wal")), log_before);
  EXPECT_EQ(files_in(folder_.path()), files);
}

TEST_F(database_copy, names_the_record_that_was_changed) {
  write(4, R"(UPDATE journal SET body = CAST('{"total":1}' AS BLOB) WHERE sequence = 3)");
  auto report = verify_database(folder_.file("dead.db"));
  ASSERT_TRUE(report);
  EXPECT_FALSE(report->whole());
  EXPECT_EQ(report->json().at("broken_at").to_number<int>(), 3);
}

TEST_F(database_copy, notices_a_record_that_is_missing) {
  write(4, "DELETE FROM journal WHERE sequence = 2");
  auto report = verify_database(folder_.file("dead.db"));
  ASSERT_TRUE(report);
  EXPECT_EQ(report->json().at("broken_at").to_number<int>(), 2);
}

TEST_F(database_copy, notices_a_tail_that_a_destination_has_and_this_file_has_not) {
  write(
      4,
      "INSERT INTO destination VALUES ('central', x'00', 4, x'00'); DELETE FROM journal WHERE sequence = 4");
  auto report = verify_database(folder_.file("dead.db"));
  ASSERT_TRUE(report);
  EXPECT_FALSE(report->whole());
  EXPECT_NE(std::string(report->json().at("why").as_string()).find("central has acknowledged record 4"),
            std::string::npos);
}

TEST_F(database_copy, refuses_what_is_no_journal) {
  EXPECT_EQ(verify_database(folder_.file("none")).error().code, errc::file_refused);
  ASSERT_TRUE(base::write_file_durably(folder_.file("text"), base::as_bytes(std::string(5000, 'x'))));
  EXPECT_EQ(verify_database(folder_.file("text")).error().code, errc::journal_damaged);
  ASSERT_TRUE(base::write_file_durably(folder_.file("empty"), {}));
  EXPECT_EQ(verify_database(folder_.file("empty")).error().code, errc::journal_damaged);
  write(0);
  EXPECT_EQ(verify_database(folder_.file("dead.db")).error().code, errc::journal_damaged);
}

}  // namespace
}  // namespace tilld::ctl
