// journal.prove: the till asks both servers about every record, and names the first that is another one.
#include <gtest/gtest.h>
#include <sqlite3.h>

#include <filesystem>

#include <boost/json.hpp>

#include "base/file.hpp"
#include "tests/support/scratch.hpp"
#include "tests/support/shop.hpp"

namespace tilld::tests {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;
using std::chrono::seconds;

class proof : public testing::Test {
 protected:
  void SetUp() override {
    shop_.add_central("ledger");
    shop_.add_central("witness", "witness");
    shop_.start_central("ledger");
    shop_.start_central("witness");
    shop_.start_till();
    sell(5);
    drain();
  }
  void sell(int count) {
    auto client = shop_.connect();
    for (int i = 0; i < count; ++i) {
      auto sold = client.call("sale.record", {{"idempotency_key", "sale-" + std::to_string(++sales_)},
                                              {"total", {{"minor", 100 + sales_}, {"currency", "EUR"}}}});
      ASSERT_TRUE(sold && sold->contains("result"));
    }
  }
  void drain() {
    ASSERT_TRUE(shop_.wait_drained("ledger"));
    ASSERT_TRUE(shop_.wait_drained("witness"));
  }
  json::object prove() {
    auto client = shop_.connect(true);
    auto said = client.call("journal.prove");
    if (!said || !said->contains("result")) {
      ADD_FAILURE() << (said ? json::serialize(*said) : "no answer");
      return {};
    }
    return said->at("result").as_object();
  }
  static const json::object& server(const json::object& proved, const std::string& name) {
    for (auto& s : proved.at("servers").as_array())
      if (s.at("destination").as_string() == name) return s.as_object();
    static const json::object none;
    ADD_FAILURE() << "no server " << name;
    return none;
  }
  int tillctl_prove() {
    process::how how;
    how.arguments = {"journal", "prove", "--socket", shop_.admin_socket()};
    how.log = folder_.file("tillctl.log");
    process tillctl(program_path("tillctl"), how);
    return tillctl.wait(seconds(30)).value_or(-1);
  }
  // Changes a server's database while it is stopped, as somebody who has the machine can.
  void change_at(const std::string& name, const std::string& sql) {
    auto& c = shop_.get_central(name);
    c.running.signal(15);
    ASSERT_EQ(c.running.wait(seconds(20)), 0);
    sqlite3* db = nullptr;
    ASSERT_EQ(::sqlite3_open((c.folder + "/central.db").c_str(), &db), SQLITE_OK);
    auto all = "DROP TRIGGER entry_is_never_changed; DROP TRIGGER entry_is_never_removed; " + sql;
    EXPECT_EQ(::sqlite3_exec(db, all.c_str(), nullptr, nullptr, nullptr), SQLITE_OK) << ::sqlite3_errmsg(db);
    ::sqlite3_close(db);
    shop_.start_central(name);
  }

  scratch_folder folder_;
  shop shop_{folder_.path()};
  int sales_ = 0;
};

TEST_F(proof, shows_that_till_and_servers_agree) {
  auto proved = prove();
  EXPECT_TRUE(proved.at("agrees").as_bool()) << json::serialize(proved);
  EXPECT_TRUE(proved.at("whole").as_bool());
  for (auto name : {"ledger", "witness"}) {
    auto& s = server(proved, name);
    EXPECT_TRUE(s.at("agrees").as_bool()) << name;
    EXPECT_EQ(s.at("verified"), s.at("sequence")) << name;
    EXPECT_GE(s.at("verified").to_number<int>(), 6) << name;
  }
  EXPECT_EQ(tillctl_prove(), 0);
}

TEST_F(proof, does_not_disturb_what_the_till_sends) {
  auto before = shop_.get("ledger", "/v1/status");
  for (int i = 0; i < 5; ++i) prove();
  auto client = shop_.connect();
  auto status = client.call("queue.status");
  ASSERT_TRUE(status);
  for (auto& d : status->at("result").at("destinations").as_array()) EXPECT_TRUE(d.at("connected").as_bool());
  sell(2);
  drain();
  auto after = shop_.get("ledger", "/v1/status");
  ASSERT_TRUE(before && after);
  EXPECT_EQ(before->at("events"), after->at("events"));
}

TEST_F(proof, names_the_record_that_was_changed_at_a_server) {
  // The stored hash is left as it was: only who computes it anew can tell.
  change_at("witness",
            "UPDATE entry SET content = CAST(replace(CAST(content AS TEXT), ':103,', ':1,') AS BLOB) "
            "WHERE instr(CAST(content AS TEXT), ':103,')");
  auto records = shop_.records_at("ledger");
  std::uint64_t changed = 0;
  for (auto& r : records)
    if (json::serialize(r.at("body")).find(":103,") != std::string::npos)
      changed = r.at("sequence").to_number<std::uint64_t>();
  ASSERT_GT(changed, 0u);
  auto proved = prove();
  EXPECT_FALSE(proved.at("agrees").as_bool());
  EXPECT_TRUE(server(proved, "ledger").at("agrees").as_bool());
  auto& witness = server(proved, "witness");
  EXPECT_EQ(witness.at("differs_at").to_number<std::uint64_t>(), changed) << json::serialize(proved);
  EXPECT_EQ(tillctl_prove(), 1);
}

TEST_F(proof, names_the_first_record_that_a_restored_till_lacks) {
  // The disk is copied, three are sold and sent, and the copy is put back. The ordered stop signs once more.
  auto in_the_image = prove().at("head").to_number<std::uint64_t>() + 1;
  shop_.stop_till();
  fs::copy(shop_.state_folder(), folder_.file("image"), fs::copy_options::recursive);
  shop_.start_till();
  sell(3);
  drain();
  shop_.till().kill();
  fs::remove_all(shop_.state_folder());
  fs::rename(folder_.file("image"), shop_.state_folder());
  shop_.start_till();
  // Stopped by both, and asked all the same.
  auto proved = prove();
  EXPECT_FALSE(proved.at("agrees").as_bool());
  for (auto name : {"ledger", "witness"}) {
    auto& s = server(proved, name);
    EXPECT_TRUE(s.at("reached").as_bool()) << json::serialize(proved);
    // It wrote its start under a number that both know otherwise.
    EXPECT_EQ(s.at("differs_at").to_number<std::uint64_t>(), in_the_image + 1) << json::serialize(proved);
    EXPECT_EQ(s.at("verified").to_number<std::uint64_t>(), in_the_image);
    EXPECT_FALSE(s.at("agrees").as_bool());
  }
}

TEST_F(proof, says_which_server_could_not_be_asked) {
  shop_.get_central("witness").running.kill();
  auto proved = prove();
  EXPECT_FALSE(proved.at("agrees").as_bool());
  EXPECT_TRUE(proved.at("whole").as_bool());
  EXPECT_TRUE(server(proved, "ledger").at("agrees").as_bool());
  EXPECT_FALSE(server(proved, "witness").at("reached").as_bool());
  EXPECT_EQ(tillctl_prove(), 1);
}

}  // namespace
}  // namespace tilld::tests
