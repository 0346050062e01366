// What a bad plugin costs the shop: itself.
#include <gtest/gtest.h>

#include <cerrno>

#include "tests/plugin_faults/faults.hpp"
#include "tests/support/scratch.hpp"

using namespace tilld;
using namespace tilld::plugin_faults;
namespace json = boost::json;
using std::chrono::milliseconds;

namespace {

std::string kind_of(const std::optional<json::object>& answer) {
  if (!answer) return "no answer";
  auto* e = answer->if_contains("error");
  return e ? std::string(e->at("data").at("kind").as_string()) : "result";
}

class a_shop_with_a_bad_plugin : public testing::TestWithParam<fault> {};

}  // namespace

// mission: D2, D9
TEST_P(a_shop_with_a_bad_plugin, goes_on_selling_and_says_what_is_wrong) {
#ifdef TILLD_SANITIZED
  if (GetParam().only_unsanitized)
    return;  // no memory limit in sanitized builds; the release build has this case
#endif
  tests::scratch_folder folder;
  tests::shop shop(folder.path());
  shop.plugins_yaml = plugins_yaml(GetParam());
  shop.start_till();
  auto admin = shop.connect(true);
  ASSERT_TRUE(wait_for_state(admin, "bad", "ready"));
  ASSERT_TRUE(wait_for_state(admin, "good", "ready"));
  auto till = shop.connect();
  auto provoking = shop.connect();
  provoking.send(GetParam().method, {{"deadline_ms", 500}});
  // The others do not wait for what becomes of it.
  EXPECT_EQ(measure_good(till, 200).failed, 0u);
  EXPECT_EQ(kind_of(till.call("sale.record",
                              {{"idempotency_key", "k"}, {"total", {{"minor", 1}, {"currency", "EUR"}}}})),
            "result");
  EXPECT_TRUE(wait_until_said(admin, "bad", GetParam().said)) << json::serialize(plugin(admin, "bad"));
  EXPECT_EQ(plugin(admin, "good").at("restarts").to_number<int>(), 0);
  EXPECT_EQ(measure_good(till, 200).failed, 0u);
  if (GetParam().ends_process) {
    EXPECT_TRUE(wait_for_state(admin, "bad", "ready")) << "it comes back by itself";
    EXPECT_GE(plugin(admin, "bad").at("restarts").to_number<int>(), 1);
  } else {
    EXPECT_GE(plugin(admin, "bad").at("faults").to_number<int>(), 1);
  }
  shop.stop_till();
}

INSTANTIATE_TEST_SUITE_P(each, a_shop_with_a_bad_plugin, testing::ValuesIn(faults()), [](auto& of) {
  std::string name = of.param.name;
  std::replace(name.begin(), name.end(), ' ', '_');
  return name;
});

// mission: D2: back-off, cap, quarantine with reason, and a person's second chance.
TEST(a_plugin_that_always_dies, is_given_up_after_five_deaths_with_a_reason) {
  tests::scratch_folder folder;
  tests::shop shop(folder.path());
  shop.plugins_yaml = plugins_yaml(faults().front());
  shop.start_till();
  auto admin = shop.connect(true);
  ASSERT_TRUE(wait_for_state(admin, "bad", "ready"));
  auto till = shop.connect();
  for (int death = 1; death <= 5; ++death) {
    EXPECT_EQ(kind_of(till.call("org.tilld.test.crash.go")), "plugin_crashed");
    ASSERT_TRUE(wait_for_state(admin, "bad", death < 5 ? "ready" : "failed")) << "death " << death;
  }
  EXPECT_NE(plugin(admin, "bad").at("last_ending").as_string().find("signal 11"), json::string::npos);
  EXPECT_EQ(kind_of(till.call("org.tilld.test.crash.go")), "plugin_failed");
  auto verified = admin.call("journal.verify");
  EXPECT_EQ(verified->at("result").at("kinds").at("plugin.ended").to_number<int>(), 5);
  EXPECT_EQ(kind_of(admin.call("plugin.restart", {{"name", "bad"}})), "result");
  EXPECT_TRUE(wait_for_state(admin, "bad", "ready"));
  shop.stop_till();
}

// mission: D9: a request that was with a plugin when it died is neither done nor not done.
TEST(a_request_lost_in_a_crash, is_unknown_until_a_person_decides) {
  tests::scratch_folder folder;
  tests::shop shop(folder.path());
  shop.plugins_yaml = plugins_yaml(faults().front());
  shop.start_till();
  auto admin = shop.connect(true);
  ASSERT_TRUE(wait_for_state(admin, "bad", "ready"));
  auto till = shop.connect();
  json::object params{{"idempotency_key", "once"}};
  auto first = till.call("org.tilld.test.crash.go", params);
  EXPECT_EQ(kind_of(first), "outcome_unknown");
  ASSERT_TRUE(wait_for_state(admin, "bad", "ready"));
  // Asking again does not run it again: the plugin lives on.
  EXPECT_EQ(kind_of(till.call("org.tilld.test.crash.go", params)), "outcome_unknown");
  EXPECT_EQ(plugin(admin, "bad").at("restarts").to_number<int>(), 1);
  auto id = first->at("error").at("data").at("operation_id");
  auto problem = admin.call("system.status")->at("result").at("problems").as_array().at(0);
  EXPECT_EQ(problem.at("kind").as_string(), "outcome_unknown");
  auto got = till.call("operation.get", {{"operation_id", id}});
  EXPECT_EQ(got->at("result").at("state").as_string(), "unknown");
  EXPECT_EQ(
      kind_of(admin.call("operation.resolve",
                         {{"operation_id", id}, {"outcome", "done"}, {"reason", "the slip was there"}})),
      "result");
  EXPECT_EQ(kind_of(till.call("org.tilld.test.crash.go", params)), "result");
  EXPECT_TRUE(admin.call("system.status")->at("result").at("problems").as_array().empty());
  EXPECT_EQ(kind_of(admin.call("operation.resolve",
                               {{"operation_id", id}, {"outcome", "done"}, {"reason", "again"}})),
            "invalid_params");
  auto verified = admin.call("journal.verify");
  EXPECT_EQ(verified->at("result").at("kinds").at("operation.resolved").to_number<int>(), 1);
  shop.stop_till();
}

// A plugin that never answers delays nobody but who asked it.
TEST(a_silent_plugin, costs_its_caller_the_deadline_and_others_nothing) {
  tests::scratch_folder folder;
  tests::shop shop(folder.path());
  fault silent{"silent", "test_silent", "org.tilld.test.silent.go", "", false, false};
  shop.plugins_yaml = plugins_yaml(silent);
  shop.start_till();
  auto admin = shop.connect(true);
  ASSERT_TRUE(wait_for_state(admin, "bad", "ready"));
  ASSERT_TRUE(wait_for_state(admin, "good", "ready"));
  auto till = shop.connect();
  // More than its lane has places: the rest waits here, and is turned away when its time is over.
  std::vector<std::int64_t> asked;
  for (int i = 0; i < 20; ++i) asked.push_back(till.send(silent.method, {{"deadline_ms", 300}}));
  auto other = shop.connect();
  EXPECT_EQ(measure_good(other, 100).failed, 0u);
  for (auto id : asked) EXPECT_EQ(kind_of(till.answer(id)), "device_timeout");
  EXPECT_EQ(plugin(admin, "bad").at("state").as_string(), "ready");
  shop.stop_till();
}

// mission: D2: no path but its own, in the running daemon and in both isolations.
TEST(a_thief, gets_nothing_of_the_journal) {
  tests::scratch_folder folder;
  tests::shop shop(folder.path());
  auto file = tests::test_plugin_path("test_journal_thief");
  shop.plugins_yaml =
      "  - {name: apart, plugin: " + file + "}\n  - {name: inside, plugin: " + file + ", isolation: none}\n";
  shop.start_till();
  auto admin = shop.connect(true);
  auto till = shop.connect();
  for (auto device : {"apart", "inside"}) {
    ASSERT_TRUE(wait_for_state(admin, device, "ready"));
    for (auto name : {"/journal.db", "/journal.db-wal", "/device.key", "/sealed.keys", "/content.key"}) {
      auto answer = till.call("org.tilld.test.journal-thief.steal",
                              {{"device", device}, {"path", shop.state_folder() + name}});
      ASSERT_EQ(kind_of(answer), "result");
      auto& loot = answer->at("result").as_object();
      EXPECT_EQ(loot.at("read").to_number<int>(), EACCES) << device << name;
      EXPECT_EQ(loot.at("write").to_number<int>(), EACCES) << device << name;
      EXPECT_EQ(loot.at("users").to_number<int>(), EACCES) << device;
      EXPECT_EQ(loot.at("system_library").to_number<int>(), 0) << device;
    }
  }
  shop.stop_till();
}
