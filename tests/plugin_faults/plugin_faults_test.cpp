// Plugins that crash, hang, flood, leak, answer twice or not at all, in a real daemon: the reason can be
// read, the others go on, and nothing happens twice.
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>

#include <thread>

#include "tests/hostile/neighbour.hpp"
#include "tests/plugin_faults/fault.hpp"
#include "tests/support/scratch.hpp"
#include "wire/base64.hpp"

using namespace tilld;
using namespace tilld::plugin_faults;
using hostile::neighbour;
using std::chrono::milliseconds;
using std::chrono::steady_clock;
using tests::line_client;
namespace json = boost::json;

namespace {

#ifdef TILLD_SANITIZED
constexpr bool memory_is_limited = false;
#else
constexpr bool memory_is_limited = true;
#endif

std::string kind_of(const std::optional<json::object>& answer) {
  if (!answer) return "no answer";
  auto* e = answer->if_contains("error");
  return e ? std::string(e->at("data").at("kind").as_string()) : "";
}
std::string text_of(const json::object& o, const char* name) {
  auto* v = o.if_contains(name);
  return v && v->is_string() ? std::string(v->as_string()) : "";
}
bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }
auto is_in_state(const char* state) {
  return [state](const json::object& o) { return text_of(o, "state") == state; };
}

json::object receipt(const std::string& key, const std::string& device = "good") {
  return {{"idempotency_key", key},
          {"device", device},
          {"deadline_ms", 5000},
          {"document", {{"receipt", 1}, {"body", json::array{{{"text", key}}}}}}};
}

// The bodies of all notes of this kind in the journal.
std::vector<json::object> notes(const tests::shop& shop, const std::string& kind) {
  std::vector<json::object> found;
  auto admin = shop.connect(true);
  for (std::uint64_t from = 1;;) {
    auto page = admin.call("journal.read", {{"from", from}, {"limit", 1000}});
    auto& records = page->at("result").at("records").as_array();
    if (records.empty()) return found;
    from += records.size();
    for (auto& r : records)
      if (r.at("kind") == kind.c_str())
        found.push_back(
            json::parse(*wire::from_base64(std::string_view(r.at("body").as_string()))).as_object());
  }
}

class plugin_faults_test : public ::testing::Test {
 protected:
  void start(const std::string& plugins_yaml) {
    shop_.plugins_yaml = plugins_yaml;
    shop_.start_till();
  }
  bool wait_ready(const std::string& instance) {
    return text_of(wait_for(shop_, instance, is_in_state("ready"), milliseconds(20'000)), "state") == "ready";
  }

  tests::scratch_folder folder_;
  tests::shop shop_{folder_.path()};
};

}  // namespace

// The table: every fault, in both isolation modes where that makes sense.
class a_bad_plugin : public ::testing::TestWithParam<std::pair<std::size_t, std::string>> {};

TEST_P(a_bad_plugin, has_a_reason_that_can_be_read_and_disturbs_no_other) {
  auto& f = faults()[GetParam().first];
  if (f.uses_memory && !memory_is_limited) GTEST_SKIP() << "a sanitizer takes what memory it likes";
  tests::scratch_folder folder;
  tests::shop shop(folder.path());
  shop.plugins_yaml = plugins_yaml(f, GetParam().second);
  shop.start_till();
  for (auto who : {"good", "bad"})
    ASSERT_EQ(text_of(wait_for(shop, who, is_in_state("ready"), milliseconds(20'000)), "state"), "ready");
  EXPECT_EQ(text_of(describe(shop, "bad"), "isolation"), GetParam().second);
  auto admin = shop.connect(true);
  auto word = word_of(f);
  neighbour pings(shop.socket()),
      shows(shop.socket(), "display.show", {{"device", "good"}, {"lines", json::array{"Total", "5.18"}}});

  // Once, to see what the caller hears.
  auto kind = kind_of(admin.call(word, {{"device", "bad"}, {"deadline_ms", 1000}}));
  if (f.plugin == "test_flood" || f.plugin == "test_twice") {
    EXPECT_EQ(kind, "");
  } else if (f.plugin == "test_hang" || f.plugin == "test_silent") {
    EXPECT_EQ(kind, "device_timeout");
  } else {
    EXPECT_EQ(kind, "plugin_crashed");
  }

  // The reason. A hang is noticed three seconds after the time-out, a flood is slowed down for ten seconds
  // first.
  if (!f.reason.empty()) {
    auto ended = wait_for(
        shop, "bad", [&](auto& o) { return has(text_of(o, "last_ending"), f.reason); }, milliseconds(40'000));
    EXPECT_TRUE(has(text_of(ended, "last_ending"), f.reason)) << json::serialize(ended);
    auto told = notes(shop, "plugin.ended");
    ASSERT_FALSE(told.empty());
    EXPECT_EQ(told.front().at("plugin"), "bad");
    EXPECT_TRUE(has(text_of(told.front(), "reason"), f.reason)) << json::serialize(told.front());
  } else if (f.plugin == "test_twice") {
    auto seen = wait_for(
        shop, "bad", [](auto& o) { return o.at("faults").as_int64() >= 2; }, milliseconds(10'000));
    EXPECT_GE(seen.at("faults").as_int64(), 2);
    EXPECT_TRUE(has(text_of(seen, "last_fault"), "answered a request twice")) << json::serialize(seen);
    EXPECT_EQ(text_of(seen, "state"), "ready");
  } else {
    EXPECT_EQ(text_of(describe(shop, "bad"), "state"), "ready") << "slow is not dead";
  }
  if (f.plugin == "test_flood") {
    EXPECT_TRUE(has(text_of(describe(shop, "bad"), "last_fault"), "messages a second"));
  }

  // And then all the time, beside a till that goes on.
  std::atomic<bool> stop = false;
  std::thread provoking([&] { f.provoke(shop, stop); });
  std::size_t unanswered = 0;
  for (int i = 0; i < 40; ++i) unanswered += pings.ping(5).unanswered + shows.ping(5).unanswered;
  auto printed = shop.connect().call("printer.print", receipt("beside"));
  auto sold = shop.connect().call(
      "sale.record", {{"idempotency_key", "beside"}, {"total", {{"minor", 1}, {"currency", "EUR"}}}});
  stop = true;
  provoking.join();
  EXPECT_EQ(unanswered, 0u);
  EXPECT_EQ(kind_of(printed), "");
  EXPECT_EQ(kind_of(sold), "");
  auto good = describe(shop, "good");
  EXPECT_EQ(text_of(good, "state"), "ready");
  EXPECT_EQ(good.at("faults").as_int64(), 0) << json::serialize(good);
  EXPECT_EQ(good.at("restarts").as_int64(), 0);
  shop.stop_till();
}

namespace {

std::vector<std::pair<std::size_t, std::string>> table() {
  std::vector<std::pair<std::size_t, std::string>> all;
  for (std::size_t i = 0; i < faults().size(); ++i) {
    all.emplace_back(i, "process");
    if (faults()[i].on_a_thread) all.emplace_back(i, "none");
  }
  return all;
}

}  // namespace

INSTANTIATE_TEST_SUITE_P(of_every_kind, a_bad_plugin, ::testing::ValuesIn(table()), [](auto& entry) {
  auto name = faults()[entry.param.first].name + (entry.param.second == "none" ? " on a thread" : "");
  std::replace(name.begin(), name.end(), ' ', '_');
  return name;
});

TEST_F(plugin_faults_test,
       are_given_up_after_five_deaths_with_longer_waits_between_until_a_person_restarts_them) {
  start("  - {name: bad, plugin: " + tests::test_plugin_path("test_crash") + "}\n");
  auto till = shop_.connect();
  std::vector<std::int64_t> waits;
  for (int death = 1; death <= 5; ++death) {
    ASSERT_TRUE(wait_ready("bad")) << death;
    EXPECT_EQ(kind_of(till.call("org.tilld.test.crash.go")), "plugin_crashed");
    auto dead = wait_for(
        shop_, "bad",
        [](auto& o) { return text_of(o, "state") == "waiting" || text_of(o, "state") == "failed"; },
        milliseconds(10'000));
    if (death < 5) {
      ASSERT_EQ(text_of(dead, "state"), "waiting") << death;
      waits.push_back(dead.at("next_try_ms").to_number<std::int64_t>());
    } else {
      EXPECT_EQ(text_of(dead, "state"), "failed");
    }
  }
  EXPECT_EQ(waits, (std::vector<std::int64_t>{1000, 2000, 4000, 8000}));
  EXPECT_EQ(kind_of(till.call("org.tilld.test.crash.go")), "plugin_failed");
  auto status = till.call("system.status");
  EXPECT_EQ(status->at("result").at("state"), "degraded");
  auto told = notes(shop_, "plugin.ended");
  ASSERT_EQ(told.size(), 5u);
  for (auto& note : told) EXPECT_TRUE(has(text_of(note, "reason"), "signal 11"));
  EXPECT_EQ(text_of(told.back(), "state"), "failed");
  EXPECT_EQ(kind_of(shop_.connect(true).call("plugin.restart", {{"name", "bad"}})), "");
  EXPECT_TRUE(wait_ready("bad"));
  EXPECT_TRUE(has(text_of(describe(shop_, "bad"), "last_ending"), "signal 11"))
      << "the reason stays readable";
}

TEST_F(plugin_faults_test, give_a_journal_thief_nothing_in_either_isolation) {
  start("  - {name: isolated, plugin: " + tests::test_plugin_path("test_journal_thief") + "}\n" +
        "  - {name: inside, plugin: " + tests::test_plugin_path("test_journal_thief") +
        ", isolation: none}\n");
  auto till = shop_.connect();
  EXPECT_EQ(kind_of(till.call("sale.record",
                              {{"idempotency_key", "a"}, {"total", {{"minor", 1}, {"currency", "EUR"}}}})),
            "");
  for (auto device : {"isolated", "inside"}) {
    ASSERT_TRUE(wait_ready(device));
    auto info = describe(shop_, device);
    if (!info.at("paths_restricted").as_bool())
      GTEST_SKIP() << "this kernel has no Landlock, and the daemon says so";
    for (auto file : {"/journal.db", "/journal.db-wal", "/device.key", "/content.key", "/sealed.keys"}) {
      auto answer = till.call("org.tilld.test.journal-thief.steal",
                              {{"device", device}, {"path", shop_.state_folder() + file}});
      ASSERT_EQ(kind_of(answer), "") << device;
      auto& loot = answer->at("result").as_object();
      EXPECT_EQ(loot.at("read").as_int64(), EACCES) << device << " " << file;
      EXPECT_EQ(loot.at("write").as_int64(), EACCES) << device << " " << file;
      EXPECT_NE(loot.at("root_folder").as_int64(), 0) << device;
    }
  }
  // The daemon itself goes on reading and writing what is its own.
  EXPECT_EQ(kind_of(till.call("sale.record",
                              {{"idempotency_key", "b"}, {"total", {{"minor", 1}, {"currency", "EUR"}}}})),
            "");
  EXPECT_TRUE(shop_.connect(true).call("journal.verify")->at("result").at("whole").as_bool());
}

namespace {

constexpr const char* good_alone = "  - {name: good, plugin: simulated}\n";

std::int64_t documents(line_client& till) {
  return till.call("org.tilld.simulation.look", {{"device", "good"}})
      ->at("result")
      .at("printed")
      .to_number<std::int64_t>();
}
void order(line_client& till, const char* what) {
  ASSERT_EQ(kind_of(till.call("org.tilld.simulation.fault",
                              {{"device", "good"}, {"interface", "tilld.printer/1"}, {"what", what}})),
            "");
}

}  // namespace

TEST_F(plugin_faults_test, ask_what_became_of_a_receipt_whose_answer_was_lost) {
  start(good_alone);
  ASSERT_TRUE(wait_ready("good"));
  auto till = shop_.connect();
  order(till, "lost_answer");
  auto params = receipt("lost");
  params["deadline_ms"] = 300;
  // It was printed and not confirmed; the printer says so when it is asked.
  auto first = till.call("printer.print", params);
  EXPECT_EQ(kind_of(first), "");
  EXPECT_EQ(documents(till), 1);
  EXPECT_EQ(till.call("printer.print", params)->at("result"), first->at("result"));
  EXPECT_EQ(documents(till), 1);
}

// Kills the plugin while it has a request of which it is not known whether it was done.
class a_receipt_in_a_crash : public plugin_faults_test, public ::testing::WithParamInterface<bool> {};

TEST_P(a_receipt_in_a_crash, is_unknown_and_printed_once_in_the_end) {
  bool was_printed = GetParam();
  start(good_alone);
  ASSERT_TRUE(wait_ready("good"));
  auto till = shop_.connect(), other = shop_.connect(true);
  order(till, was_printed ? "lost_answer" : "timeout");
  auto id = till.send("printer.print", receipt("crash"));
  // The request is with the plugin, and what it did is stored.
  auto has_it = wait_for(
      shop_, "good", [](auto& o) { return o.at("waiting_requests").as_int64() == 1; }, milliseconds(10'000));
  ASSERT_EQ(has_it.at("waiting_requests").as_int64(), 1);
  if (was_printed) {
    auto until = steady_clock::now() + std::chrono::seconds(10);
    while (documents(other) < 1 && steady_clock::now() < until) ::poll(nullptr, 0, 5);
    // A second receipt is stored behind the first one, so the first is.
    ASSERT_EQ(kind_of(other.call("printer.print", receipt("behind"))), "");
  }
  ASSERT_EQ(::kill(static_cast<pid_t>(has_it.at("pid").as_int64()), SIGKILL), 0);
  auto answer = till.answer(id);
  EXPECT_EQ(kind_of(answer), "outcome_unknown");
  auto operation = std::string(answer->at("error").at("data").at("operation_id").as_string());
  EXPECT_EQ(till.call("operation.get", {{"operation_id", operation}})->at("result").at("state"), "unknown");
  ASSERT_EQ(kind_of(other.call("plugin.restart", {{"name", "good"}})), "");
  ASSERT_TRUE(wait_ready("good"));
  // With the same key: the device is asked first, and prints only what it did not print.
  EXPECT_EQ(kind_of(till.call("printer.print", receipt("crash"))), "");
  EXPECT_EQ(documents(till), was_printed ? 2 : 1);
  EXPECT_EQ(kind_of(till.call("printer.print", receipt("crash"))), "");
  EXPECT_EQ(documents(till), was_printed ? 2 : 1);
  EXPECT_EQ(till.call("operation.get", {{"method", "printer.print"}, {"idempotency_key", "crash"}})
                ->at("result")
                .at("state"),
            "done");
}

INSTANTIATE_TEST_SUITE_P(, a_receipt_in_a_crash, ::testing::Values(true, false), [](auto& entry) {
  return entry.param ? "that_was_printed" : "that_was_not_printed";
});

TEST_F(plugin_faults_test, cannot_be_read_as_healthy_in_the_status) {
  start(
      "  - {name: good, plugin: simulated}\n  - {name: missing, plugin: /nowhere/missing.so}\n  - {name: "
      "wrong, plugin: simulated, "
      "config: {no_such_key: 1}}\n");
  for (auto name : {"missing", "wrong"}) {
    auto info = wait_for(shop_, name, is_in_state("misconfigured"), milliseconds(20'000));
    EXPECT_EQ(text_of(info, "state"), "misconfigured") << json::serialize(info);
    EXPECT_NE(text_of(info, "last_ending"), "");
  }
  EXPECT_TRUE(has(text_of(describe(shop_, "wrong"), "last_ending"), "no_such_key"))
      << json::serialize(describe(shop_, "wrong"));
  EXPECT_TRUE(wait_ready("good"));
}

TEST_F(plugin_faults_test, take_no_plugin_for_a_flood_that_answers_as_quickly_as_it_is_asked) {
  start("  - {name: good, plugin: simulated}\n");
  ASSERT_TRUE(wait_ready("good"));
  auto till = shop_.connect();
  // More within a second than a plugin may say of itself.
  for (int round = 0; round < 300; ++round) {
    std::int64_t last = 0;
    for (int i = 0; i < 30; ++i) last = till.send("printer.status", {});
    ASSERT_TRUE(till.answer(last));
  }
  auto info = describe(shop_, "good");
  EXPECT_EQ(info.at("faults").to_number<int>(), 0) << json::serialize(info);
}
