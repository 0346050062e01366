// A till and its central servers as their users meet them: whole programs, real sockets.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include <boost/json.hpp>

#include "tests/support/scratch.hpp"
#include "tests/support/shop.hpp"

namespace {

namespace fs = std::filesystem;
namespace json = boost::json;
using namespace tilld;
using std::chrono::milliseconds;

json::object eur(std::int64_t minor) { return {{"minor", minor}, {"currency", "EUR"}}; }

json::object sale(const std::string& key, std::int64_t minor) {
  return {{"idempotency_key", key}, {"total", eur(minor)}};
}

json::object result_of(const std::optional<json::object>& answer) {
  if (!answer) {
    ADD_FAILURE() << "no answer";
    return {};
  }
  if (auto* r = answer->if_contains("result")) return r->as_object();
  ADD_FAILURE() << json::serialize(*answer);
  return {};
}

std::string kind_of(const std::optional<json::object>& answer) {
  if (!answer) return "no answer";
  auto* e = answer->if_contains("error");
  return e ? std::string(e->at("data").at("kind").as_string()) : "result";
}

class a_shop : public testing::Test {
 protected:
  tests::scratch_folder folder_;
  tests::shop shop_{folder_.path()};

  std::vector<std::string> sale_keys_at(const std::string& central) {
    std::vector<std::string> keys;
    for (auto& r : shop_.records_at(central))
      if (r.at("kind").as_string() == "sale")
        keys.emplace_back(r.at("body").at("sale").at("idempotency_key").as_string());
    return keys;
  }

  void wait_until_ready(const std::string& plugin) {
    auto admin = shop_.connect(true);
    auto until = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    while (std::chrono::steady_clock::now() < until) {
      auto list = result_of(admin.call("plugin.list"));
      for (auto& p : list.at("plugins").as_array())
        if (p.at("name").as_string() == plugin && p.at("state").as_string() == "ready") return;
      (void)admin.read_line(milliseconds(30));
    }
    FAIL() << plugin << " did not become ready";
  }

  // Every file below the folder that holds the text.
  std::set<std::string> files_with(const std::string& text) {
    std::set<std::string> found;
    for (auto& entry : fs::recursive_directory_iterator(folder_.path())) {
      if (!entry.is_regular_file()) continue;
      std::ifstream in(entry.path(), std::ios::binary);
      std::stringstream all;
      all << in.rdbuf();
      if (all.str().find(text) != std::string::npos) found.insert(entry.path().filename().string());
    }
    return found;
  }
};

}  // namespace

// mission: D6, D7
TEST_F(a_shop, brings_every_sale_to_a_ledger_and_to_a_witness_that_was_away_for_a_while) {
  shop_.add_central("ledger", "ledger");
  shop_.add_central("witness", "witness");
  shop_.start_central("ledger");
  shop_.start_central("witness");
  shop_.start_till();
  auto till = shop_.connect();
  std::vector<std::string> keys;
  auto sell = [&](int count) {
    for (int i = 0; i < count; ++i) {
      keys.push_back("sale-" + std::to_string(keys.size()));
      result_of(till.call("sale.record", sale(keys.back(), 100)));
    }
  };
  sell(5);
  ASSERT_TRUE(shop_.wait_drained("witness"));
  shop_.get_central("witness").running.kill();
  sell(20);
  // The ledger does not wait for the witness, and the lag is shown in count and money.
  ASSERT_TRUE(shop_.wait_drained("ledger"));
  EXPECT_EQ(sale_keys_at("ledger"), keys);
  auto status = result_of(till.call("queue.status"));
  auto& lag = status.at("destinations").as_array().at(1).at("waiting");
  EXPECT_EQ(lag.at("sales").to_number<int>(), 20);
  EXPECT_EQ(lag.at("money").as_array().at(0).at("minor").to_number<int>(), 2000);
  shop_.start_central("witness");
  ASSERT_TRUE(shop_.wait_drained("witness"));
  EXPECT_EQ(sale_keys_at("witness"), keys);
  for (auto name : {"ledger", "witness"}) {
    auto verified = shop_.get(name, "/v1/verify");
    ASSERT_TRUE(verified);
    EXPECT_TRUE(verified->at("good").as_bool());
  }
  EXPECT_EQ(shop_.records_at("ledger").back().at("hash"), shop_.records_at("witness").back().at("hash"));
}

// mission: D6
TEST_F(a_shop, sells_from_a_cold_start_without_any_central) {
  shop_.add_central("ledger");
  shop_.start_till();
  auto till = shop_.connect();
  EXPECT_EQ(result_of(till.call("sale.record", sale("k", 250))).at("sequence").to_number<int>(), 2);
  auto status = result_of(till.call("system.status"));
  EXPECT_EQ(status.at("state").as_string(), "degraded");
  EXPECT_EQ(status.at("problems").as_array().at(0).at("kind").as_string(), "central_unreachable");
}

// mission: D9
TEST_F(a_shop, answers_a_repeated_key_the_same_across_a_restart_and_refuses_other_content) {
  shop_.start_till();
  auto till = shop_.connect();
  auto first = result_of(till.call("sale.record", sale("k", 250)));
  EXPECT_EQ(result_of(till.call("sale.record", sale("k", 250))), first);
  EXPECT_EQ(kind_of(till.call("sale.record", sale("k", 251))), "key_conflict");
  shop_.stop_till();
  shop_.start_till();
  till = shop_.connect();
  EXPECT_EQ(result_of(till.call("sale.record", sale("k", 250))), first);
  auto verified = result_of(till.call("journal.verify"));
  EXPECT_TRUE(verified.at("whole").as_bool());
  EXPECT_EQ(verified.at("kinds").at("sale").to_number<int>(), 1);
}

TEST_F(a_shop, refuses_a_sale_that_is_not_well_formed_and_names_the_member) {
  shop_.start_till();
  auto till = shop_.connect();
  auto message = [&](const json::object& params) {
    auto answer = till.call("sale.record", params);
    EXPECT_EQ(kind_of(answer), "invalid_params");
    return std::string(answer->at("error").at("message").as_string());
  };
  EXPECT_EQ(kind_of(till.call("sale.record", {{"total", eur(1)}})), "key_missing");
  EXPECT_NE(message({{"idempotency_key", "a"}}).find("total"), std::string::npos);
  EXPECT_NE(
      message({{"idempotency_key", "a"}, {"total", {{"minor", 1.5}, {"currency", "EUR"}}}}).find("total"),
      std::string::npos);
  EXPECT_NE(message({{"idempotency_key", "a"}, {"total", eur(1)}, {"totl", eur(1)}}).find("totl"),
            std::string::npos);
  EXPECT_NE(
      message({{"idempotency_key", "a"},
               {"total", eur(1)},
               {"tenders", json::array{{{"type", "cash"}, {"amount", {{"minor", 1}, {"currency", "CHF"}}}}}}})
          .find("tenders.0"),
      std::string::npos);
  // None of them left a trace: the key is free.
  EXPECT_EQ(kind_of(till.call("sale.record", sale("a", 1))), "result");
}

TEST_F(a_shop, records_a_sale_whose_sums_differ_and_says_so) {
  shop_.start_till();
  auto till = shop_.connect();
  auto params = sale("a", 518);
  params["lines"] = json::array{{{"text", "Bread"}, {"amount", eur(517)}}};
  auto recorded = result_of(till.call("sale.record", params));
  EXPECT_NE(recorded.at("differences").as_array().at(0).as_string().find("5.17"), std::string::npos);
}

// mission: D1
TEST_F(a_shop, lets_a_till_in_over_tcp_with_a_token_and_in_no_other_way) {
  shop_.tcp_port = tests::free_port();
  shop_.start_till();
  tests::line_client stranger;
  ASSERT_TRUE(stranger.connect_tcp(shop_.tcp_port));
  EXPECT_EQ(kind_of(stranger.call("system.ping")), "hello_required");
  EXPECT_FALSE(stranger.read_line());
  EXPECT_FALSE(stranger.connected());

  ASSERT_TRUE(stranger.connect_tcp(shop_.tcp_port));
  EXPECT_EQ(kind_of(stranger.call("session.hello", {{"token", std::string(64, '0')}})), "unauthenticated");
  EXPECT_FALSE(stranger.read_line());

  auto admin = shop_.connect(true);
  auto added = result_of(admin.call("token.add", {{"role", "till"}, {"note", "counter 2"}}));
  auto token = std::string(added.at("token").as_string());
  tests::line_client till;
  ASSERT_TRUE(till.connect_tcp(shop_.tcp_port));
  EXPECT_EQ(result_of(till.call("session.hello", {{"token", token}})).at("role").as_string(), "till");
  EXPECT_EQ(kind_of(till.call("sale.record", sale("k", 1))), "result");
  EXPECT_EQ(kind_of(till.call("token.list")), "forbidden");
  EXPECT_EQ(kind_of(till.call("operation.resolve", {})), "forbidden");

  // The token is nowhere on the disk.
  EXPECT_TRUE(files_with(token).empty());
  // It survives a restart, and is dead when it was removed.
  shop_.stop_till();
  shop_.start_till();
  ASSERT_TRUE(till.connect_tcp(shop_.tcp_port));
  EXPECT_EQ(kind_of(till.call("session.hello", {{"token", token}})), "result");
  // The same key under another principal is another operation.
  auto local = shop_.connect();
  EXPECT_NE(result_of(local.call("sale.record", sale("k", 1))).at("sequence"),
            result_of(till.call("sale.record", sale("k", 1))).at("sequence"));
  admin = shop_.connect(true);
  result_of(admin.call("token.remove", {{"id", added.at("id")}}));
  // Whoever speaks with it at that moment is hung up on.
  EXPECT_FALSE(till.call("system.ping"));
  EXPECT_FALSE(till.connected());
  ASSERT_TRUE(till.connect_tcp(shop_.tcp_port));
  EXPECT_EQ(kind_of(till.call("session.hello", {{"token", token}})), "unauthenticated");
}

TEST_F(a_shop, speaks_german_to_who_asks_for_it) {
  shop_.start_till();
  auto till = shop_.connect();
  result_of(till.call("session.hello", {{"language", "de"}}));
  auto answer = till.call("sale.record", {{"total", eur(1)}, {"idempotency_key", ""}});
  ASSERT_TRUE(answer && answer->contains("error"));
  EXPECT_NE(answer->at("error").at("data").at("user_message").as_string().find("Wert"), std::string::npos);
  EXPECT_EQ(kind_of(till.call("session.hello", {{"protocol", {{"min", 7}, {"max", 9}}}})),
            "protocol_unsupported");
}

// mission: D9: PIN and token reach the plugin and nothing else.
TEST_F(a_shop, keeps_secrets_out_of_every_file) {
  shop_.plugins_yaml = "  - {name: devices, plugin: simulated}\n";
  shop_.start_till();
  wait_until_ready("devices");
  auto till = shop_.connect();
  const std::string pin = "73915528", token = "canary-token-5501", code = "canary-code-8812";
  (void)till.call(
      "tender.authorize",
      {{"idempotency_key", "t1"}, {"amount", eur(500)}, {"instrument", {{"token", token}, {"pin", pin}}}});
  (void)till.call(
      "tender.authorize",
      {{"idempotency_key", "t2"}, {"amount", "nonsense"}, {"instrument", {{"token", token}, {"pin", pin}}}});
  (void)till.call("customer.identify", {{"code", code}});
  (void)till.call("org.tilld.simulation.scan", {{"text", code}});
  till.send_raw("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tender.authorize\",\"params\":{\"pin\":\"" + pin +
                "\"\n");
  (void)till.read_line();
  result_of(till.call("system.status"));
  shop_.stop_till();
  for (auto& canary : {pin, token, code})
    EXPECT_TRUE(files_with(canary).empty()) << *files_with(canary).begin() << " holds a secret";
}

// mission: D2
TEST_F(a_shop, runs_the_same_plugin_in_a_process_and_on_a_thread) {
  shop_.plugins_yaml =
      "  - {name: apart, plugin: simulated}\n"
      "  - {name: inside, plugin: simulated, isolation: none}\n";
  shop_.start_till();
  wait_until_ready("apart");
  wait_until_ready("inside");
  auto till = shop_.connect();
  json::object document{{"receipt", 1}, {"body", json::array{{{"text", "hello"}}}}};
  for (auto device : {"apart", "inside"}) {
    json::object params{
        {"idempotency_key", std::string("p-") + device}, {"device", device}, {"document", document}};
    auto printed = result_of(till.call("printer.print", params));
    EXPECT_EQ(result_of(till.call("printer.print", params)), printed);
    EXPECT_EQ(kind_of(till.call("printer.status", {{"device", device}})), "result");
    EXPECT_EQ(kind_of(till.call("scanner.enable", {{"device", device}, {"on", "yes"}})), "invalid_params");
    EXPECT_EQ(kind_of(till.call("printer.no_such_word", {{"device", device}})), "unknown_method");
  }
  auto list = result_of(shop_.connect(true).call("plugin.list"));
  for (auto& p : list.at("plugins").as_array())
    EXPECT_TRUE(p.at("paths_restricted").as_bool()) << p.at("name");
  shop_.stop_till();
}

// mission: D9: a printer that was asked and then died leaves a question, and the question has an answer.
TEST_F(a_shop, asks_the_printer_what_became_of_a_receipt_when_the_till_died_in_between) {
  shop_.plugins_yaml = "  - {name: devices, plugin: simulated}\n";
  shop_.start_till();
  wait_until_ready("devices");
  json::object params{{"idempotency_key", "receipt-1"},
                      {"document", {{"receipt", 1}, {"body", json::array{{{"text", "hello"}}}}}}};
  for (auto where : {base::step::device_asked, base::step::device_answered}) {
    params["idempotency_key"] = "receipt-at-" + std::string(base::name(where));
    auto till = shop_.connect();
    result_of(till.call("system.ping"));
    shop_.till_steps().stop_at(where);
    auto asked = till.send("printer.print", params);
    ASSERT_TRUE(shop_.till().wait_stopped(milliseconds(15'000)));
    shop_.till().kill();
    EXPECT_FALSE(till.answer(asked, milliseconds(2000)));
    shop_.start_till();
    wait_until_ready("devices");
    auto again = shop_.connect();
    auto unknown = result_of(shop_.connect(true).call("operation.unknown")).at("operations").as_array();
    ASSERT_EQ(unknown.size(), 1u);
    EXPECT_EQ(unknown[0].at("state").as_string(), "unknown");
    auto first = result_of(again.call("printer.print", params));
    EXPECT_EQ(result_of(again.call("printer.print", params)), first);
    EXPECT_TRUE(result_of(shop_.connect(true).call("operation.unknown")).at("operations").as_array().empty());
  }
}

// mission: D2: a plugin has the daemon's user, which must not make it an administrator.
TEST_F(a_shop, lets_no_plugin_in_by_its_own_door) {
  auto file = tests::test_plugin_path("test_door_knocker");
  shop_.plugins_yaml =
      "  - {name: apart, plugin: " + file + "}\n  - {name: inside, plugin: " + file + ", isolation: none}\n";
  shop_.start_till();
  wait_until_ready("apart");
  wait_until_ready("inside");
  auto till = shop_.connect();
  for (auto device : {"apart", "inside"})
    for (auto& door : {shop_.socket(), shop_.admin_socket()}) {
      auto seen = result_of(till.call("org.tilld.test.door-knocker.knock",
                                      {{"device", device}, {"path", door}}, milliseconds(20'000)));
      EXPECT_TRUE(seen.at("connected").as_bool()) << "the attempt never came to the door";
      EXPECT_FALSE(seen.at("self").as_bool());
      EXPECT_FALSE(seen.at("child").as_bool());
      EXPECT_FALSE(seen.at("orphan").as_bool());
    }
  // The door is open for who comes from outside.
  EXPECT_EQ(kind_of(shop_.connect(true).call("token.list")), "result");
  shop_.stop_till();
}

// mission: D2, D11
TEST_F(a_shop, offers_central_journal_and_state_to_its_plugins) {
  shop_.add_central("ledger");
  auto file = tests::test_plugin_path("test_service_user");
  shop_.plugins_yaml =
      "  - {name: one, plugin: " + file + "}\n  - {name: two, plugin: " + file + ", isolation: none}\n";
  shop_.start_central("ledger");
  shop_.start_till();
  wait_until_ready("one");
  wait_until_ready("two");
  ASSERT_TRUE(shop_.wait_drained("ledger"));
  auto till = shop_.connect();
  auto ask = [&](const char* device, const char* word, json::object params) {
    params["device"] = device;
    return result_of(till.call(std::string("org.tilld.test.service-user.") + word, params));
  };
  // State: one memory for each instance, durable, in order.
  EXPECT_TRUE(ask("one", "put", {{"key", "b"}, {"value", {{"n", 1}}}}).at("fine").as_bool());
  EXPECT_TRUE(ask("one", "put", {{"key", "a"}, {"value", "x"}}).at("fine").as_bool());
  EXPECT_EQ(ask("one", "get", {{"key", "b"}}).at("value").at("value").at("n").to_number<int>(), 1);
  EXPECT_FALSE(ask("two", "get", {{"key", "b"}}).at("value").at("present").as_bool());
  EXPECT_EQ(json::serialize(ask("one", "list", {}).at("value").at("keys")), R"(["a","b"])");
  EXPECT_EQ(json::serialize(ask("one", "list", {{"after", "a"}}).at("value").at("keys")), R"(["b"])");
  EXPECT_TRUE(ask("one", "remove", {{"key", "a"}}).at("fine").as_bool());
  EXPECT_FALSE(ask("one", "get", {{"key", "a"}}).at("value").at("present").as_bool());
  EXPECT_EQ(
      ask("one", "put", {{"key", "big"}, {"value", std::string(65 * 1024, 'x')}}).at("kind").as_string(),
      "message_too_large");

  // Journal: in the plugin's own name only, and never in the shape of a sale.
  EXPECT_EQ(ask("one", "note", {{"kind", "sale"}, {"body", json::object()}}).at("kind").as_string(),
            "invalid_params");
  auto noted = ask("one", "note", {{"kind", "org.tilld.test.service-user.tared"}, {"body", {{"grams", 12}}}});
  ASSERT_TRUE(noted.at("fine").as_bool());
  ASSERT_TRUE(shop_.wait_drained("ledger"));
  auto arrived = shop_.records_at("ledger").back();
  EXPECT_EQ(arrived.at("kind").as_string(), "plugin.note");
  EXPECT_EQ(arrived.at("body").at("kind").as_string(), "org.tilld.test.service-user.tared");
  EXPECT_EQ(arrived.at("id"), noted.at("value").at("id"));

  // Central: asked over the till's own connection; its refusals arrive by kind, its absence as what it is.
  EXPECT_TRUE(
      ask("one", "central", {{"method", "system.ping"}, {"params", json::object()}}).at("fine").as_bool());
  EXPECT_EQ(ask("two", "central", {{"method", "no.such"}, {"params", json::object()}}).at("kind").as_string(),
            "unknown_method");
  shop_.get_central("ledger").running.kill();
  auto until = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  std::string kind;
  while (kind != "central_unreachable" && std::chrono::steady_clock::now() < until)
    kind = std::string(ask("one", "central", {{"method", "system.ping"}, {"params", json::object()}})
                           .at("kind")
                           .as_string());
  EXPECT_EQ(kind, "central_unreachable");
  shop_.stop_till();
}

TEST_F(a_shop, shows_scans_and_cards_to_tills_and_not_to_those_who_only_watch) {
  shop_.tcp_port = tests::free_port();
  shop_.plugins_yaml = "  - {name: devices, plugin: simulated}\n";
  shop_.start_till();
  wait_until_ready("devices");
  auto admin = shop_.connect(true);
  auto token = result_of(admin.call("token.add", {{"role", "read"}})).at("token");
  tests::line_client watcher;
  ASSERT_TRUE(watcher.connect_tcp(shop_.tcp_port));
  result_of(watcher.call("session.hello", {{"token", token}}));
  result_of(watcher.call("events.subscribe", {{"topics", json::array{"*"}}}));
  auto till = shop_.connect();
  result_of(till.call("events.subscribe", {{"topics", json::array{"*"}}}));
  result_of(till.call("org.tilld.simulation.scan", {{"text", "4006381333931"}}));
  result_of(till.call("org.tilld.simulation.present_card", {{"uid", "04A1B2C3D4E5F6"}}));
  EXPECT_TRUE(till.next_event("scanner.scanned"));
  EXPECT_TRUE(till.next_event("reader.presented"));
  result_of(admin.call("plugin.restart", {{"name", "devices"}}));
  // Everything up to the restart has been told; the watcher heard of the restart alone.
  auto first = watcher.read_line();
  ASSERT_TRUE(first);
  EXPECT_EQ(json::parse(*first).at("params").at("topic").as_string(), "plugins.changed") << *first;
}

TEST_F(a_shop, goes_on_after_an_answer_that_is_larger_than_what_may_wait_unread) {
  shop_.start_till();
  auto till = shop_.connect();
  // Numbers are written out longer than they were sent: an answer of more than a mebibyte to a line of less.
  std::string line = R"({"jsonrpc":"2.0","id":1,"method":"system.ping","params":{"echo":[0.1234567890123)";
  for (int i = 0; i < 63'000; ++i) line += ",0.1234567890123";
  till.send_raw(line + "]}}\n");
  ASSERT_TRUE(till.read_line());
  EXPECT_EQ(kind_of(till.call("system.ping")), "result");
}

// mission: D9: a person's decision and a device's word must not cross, and a question stands in the journal
// once.
TEST_F(a_shop, lets_a_person_decide_only_what_nobody_is_asking_about) {
  shop_.plugins_yaml = "  - {name: silent, plugin: " + tests::test_plugin_path("test_silent") + "}\n";
  shop_.start_till();
  wait_until_ready("silent");
  auto till = shop_.connect();
  auto admin = shop_.connect(true);
  const std::string method = "org.tilld.test.silent.go";
  json::object params{{"idempotency_key", "once"}, {"deadline_ms", 3000}};
  auto asked = till.send(method, params);
  json::object which{{"idempotency_key", "once"}, {"method", method}};
  std::optional<json::object> got;
  auto until = std::chrono::steady_clock::now() + std::chrono::seconds(2);
  do got = admin.call("operation.get", which);
  while (kind_of(got) != "result" && std::chrono::steady_clock::now() < until);
  json::object decision{
      {"operation_id", result_of(got).at("operation_id")}, {"outcome", "done"}, {"reason", "seen"}};
  EXPECT_EQ(kind_of(admin.call("operation.resolve", decision)), "still_running");
  EXPECT_EQ(kind_of(till.answer(asked)), "outcome_unknown");
  params["deadline_ms"] = 100;
  EXPECT_EQ(kind_of(till.call(method, params)), "outcome_unknown");
  auto kinds = result_of(admin.call("journal.verify")).at("kinds").as_object();
  EXPECT_EQ(kinds.at("operation.unknown").to_number<int>(), 1);
  EXPECT_EQ(kind_of(admin.call("operation.resolve", decision)), "result");
  EXPECT_EQ(kind_of(till.call(method, params)), "result");
  shop_.stop_till();
}
