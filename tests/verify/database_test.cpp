// tilld-verify on a till's database, and on its exports while it sells.
#include <gtest/gtest.h>
#include <sqlite3.h>

#include <filesystem>

#include <boost/json.hpp>

#include "base/file.hpp"
#include "tests/support/scratch.hpp"
#include "tests/support/shop.hpp"
#include "tests/verify/verify_run.hpp"

namespace tilld::tests {
namespace {

// A till that sold six times and reached both servers.
class journal_file : public testing::Test {
 protected:
  void SetUp() override {
    shop_.more_yaml = "journal: {checkpoint_every: 3}\n";
    shop_.add_central("ledger");
    shop_.add_central("witness", "witness");
    shop_.start_central("ledger");
    shop_.start_central("witness");
    shop_.start_till();
    for (int i = 0; i < 6; ++i) sell(i);
    ASSERT_TRUE(shop_.wait_drained("ledger"));
    ASSERT_TRUE(shop_.wait_drained("witness"));
  }
  void sell(int n) {
    auto client = shop_.connect();
    auto sold = client.call("sale.record", {{"idempotency_key", "sale-" + std::to_string(n)},
                                            {"total", {{"minor", 1250 + n}, {"currency", "EUR"}}}});
    ASSERT_TRUE(sold && sold->contains("result"));
  }
  std::string database() const { return shop_.state_folder() + "/journal.db"; }
  // The record of the first sale, and a change to its body.
  std::uint64_t first_sale() {
    sqlite3* db = nullptr;
    EXPECT_EQ(::sqlite3_open(database().c_str(), &db), SQLITE_OK);
    sqlite3_stmt* s = nullptr;
    ::sqlite3_prepare_v2(db, "SELECT min(sequence) FROM journal WHERE instr(CAST(body AS TEXT), ':1250')", -1,
                         &s, nullptr);
    EXPECT_EQ(::sqlite3_step(s), SQLITE_ROW);
    auto found = static_cast<std::uint64_t>(::sqlite3_column_int64(s, 0));
    ::sqlite3_finalize(s);
    ::sqlite3_close(db);
    return found;
  }
  static constexpr const char* cheaper =
      "UPDATE journal SET body = CAST(replace(CAST(body AS TEXT), ':1250', ':1249') AS BLOB)";
  std::uint64_t head() {
    auto v = run_verify({database()});
    return v.json.at("files").as_array()[0].at("verified").to_number<std::uint64_t>();
  }
  void change(const std::string& sql) {
    sqlite3* db = nullptr;
    ASSERT_EQ(::sqlite3_open(database().c_str(), &db), SQLITE_OK);
    EXPECT_EQ(::sqlite3_exec(db, sql.c_str(), nullptr, nullptr, nullptr), SQLITE_OK) << ::sqlite3_errmsg(db);
    ::sqlite3_close(db);
  }

  scratch_folder folder_;
  shop shop_{folder_.path()};
};

TEST_F(journal_file, is_looked_at_only_while_the_till_is_stopped) {
  EXPECT_EQ(run_verify({database()}).code, 3);
  shop_.stop_till();
  auto v = run_verify({database()});
  EXPECT_EQ(v.code, 0) << boost::json::serialize(v.json);
  EXPECT_EQ(v.json.at("parties").as_array().size(), 2u);
  EXPECT_GE(v.json.at("files").as_array()[0].at("checkpoints").to_number<int>(), 2);
}

TEST_F(journal_file, shows_what_was_done_to_it) {
  shop_.stop_till();
  auto last = head();
  auto changed = "record_changed " + std::to_string(first_sale());
  auto saved = folder_.file("saved.db");
  std::filesystem::copy_file(database(), saved);
  struct {
    std::string sql, found;
  } all[] = {
      {cheaper, changed},
      {"DELETE FROM journal WHERE sequence = 3", "record_missing 3"},
      {"UPDATE journal SET sequence = 1000 WHERE sequence = 4; UPDATE journal SET sequence = 4 WHERE "
       "sequence = 6; "
       "UPDATE journal SET sequence = 6 WHERE sequence = 1000",
       "record_moved 4"},
  };
  for (auto& [sql, found] : all) {
    change(sql);
    auto v = run_verify({database()});
    EXPECT_EQ(v.code, 1) << sql;
    EXPECT_EQ(v.findings(), found) << sql;
    std::filesystem::remove(database() + "-wal");
    std::filesystem::copy_file(saved, database(), std::filesystem::copy_options::overwrite_existing);
  }
  // The tail goes, and with it what the destinations signed for.
  auto cut = std::to_string(last - 3);
  change("DELETE FROM journal WHERE sequence > " + cut);
  auto v = run_verify({database()});
  EXPECT_EQ(v.findings(), "tail_cut " + std::to_string(last - 2) + ", tail_cut " + std::to_string(last - 2));
}

TEST_F(journal_file, agrees_with_what_was_exported_before) {
  auto exported = folder_.file("before.tilld");
  process::how how;
  how.arguments = {"journal", "export", "--out", exported, "--socket", shop_.admin_socket()};
  how.log = folder_.file("tillctl.log");
  process tillctl(program_path("tillctl"), how);
  ASSERT_EQ(tillctl.wait(std::chrono::seconds(30)), 0);
  auto alone = run_verify({exported});
  EXPECT_EQ(alone.findings(), "");
  EXPECT_EQ(alone.json.at("parties").as_array().size(), 3u);
  sell(6);
  shop_.stop_till();
  EXPECT_EQ(run_verify({database(), exported}).findings(), "");
  auto sale = first_sale();
  change(cheaper);
  EXPECT_EQ(run_verify({database(), exported}).findings(), "record_changed " + std::to_string(sale));
}

}  // namespace
}  // namespace tilld::tests
