// A till whose disk is dead goes on as another device, and the old one is refused when it comes back.
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include <boost/json.hpp>

#include "base/file.hpp"
#include "tests/support/scratch.hpp"
#include "tests/support/shop.hpp"

namespace tilld::tests {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;
using std::chrono::seconds;

std::string content(const std::string& path) {
  auto octets = base::read_file(path);
  return octets ? std::string(base::as_text(*octets)) : "";
}

struct ended {
  int code = -1;
  std::string said;
};

class replaced_device : public testing::Test {
 protected:
  void SetUp() override {
    shop_.add_central("ledger");
    shop_.add_central("witness", "witness");
    shop_.start_central("ledger");
    shop_.start_central("witness");
    shop_.start_till();
    sell(4);
  }
  void sell(int count) {
    auto client = shop_.connect();
    for (int i = 0; i < count; ++i) {
      auto sold = client.call("sale.record", {{"idempotency_key", "sale-" + std::to_string(++sales_)},
                                              {"total", {{"minor", 100 + sales_}, {"currency", "EUR"}}}});
      ASSERT_TRUE(sold && sold->contains("result")) << (sold ? json::serialize(*sold) : "no answer");
    }
  }
  void drain() {
    ASSERT_TRUE(shop_.wait_drained("ledger"));
    ASSERT_TRUE(shop_.wait_drained("witness"));
  }
  ended run(const std::string& program, std::vector<std::string> arguments) {
    auto log = folder_.file("said");
    fs::remove(log);
    process::how how;
    how.arguments = std::move(arguments);
    how.log = log;
    process running(program_path(program), how);
    ended e;
    e.code = running.wait(seconds(60)).value_or(-1);
    e.said = content(log);
    return e;
  }
  ended central(const std::string& name, std::vector<std::string> arguments) {
    arguments.insert(arguments.end(), {"--config", shop_.get_central(name).folder + "/central.yaml"});
    return run("till-central", std::move(arguments));
  }
  // The disk is gone: the folder with journal and key is somewhere else, and the place is empty.
  void lose_the_disk() {
    if (shop_.till().running()) shop_.till().kill();
    fs::rename(shop_.state_folder(), folder_.file("old-state"));
  }
  // What the two commands on the new device and the one at each server do.
  std::string request() {
    auto asked = run("tillctl", {"replace", "request", "--state", shop_.state_folder(), "--json"});
    EXPECT_EQ(asked.code, 0) << asked.said;
    return std::string(json::parse(asked.said).at("public_key").as_string());
  }
  ended begin(const std::string& order) {
    return run("tillctl", {"replace", "begin", "--state", shop_.state_folder(), "--order", order});
  }
  void replace_everywhere() {
    auto key = request();
    auto order = folder_.file("order");
    auto done = central("ledger",
                        {"replace", "till-1", "--public-key", key, "--out", order, "--reason", "dead disk"});
    ASSERT_EQ(done.code, 0) << done.said;
    done = central("witness", {"replace", "till-1", "--order", order, "--reason", "dead disk"});
    ASSERT_EQ(done.code, 0) << done.said;
    done = begin(order);
    ASSERT_EQ(done.code, 0) << done.said;
  }
  json::object event_at(const std::string& name, const std::string& kind) {
    auto status = shop_.get(name, "/v1/status");
    if (status)
      for (auto& e : status->at("events").as_array())
        if (e.at("kind").as_string() == kind) return e.at("event").as_object();
    ADD_FAILURE() << name << " has no event " << kind;
    return {};
  }
  // The old device, switched on again somewhere: its own folder and sockets, the same name and servers.
  process start_the_old_one() {
    auto place = folder_.file("old");
    fs::create_directory(place);
    auto text = content(shop_.config_file());
    for (auto at = text.find(shop_.folder()); at != text.npos;
         at = text.find(shop_.folder(), at + place.size()))
      text.replace(at, shop_.folder().size(), place);
    std::ofstream(place + "/tilld.yaml") << text;
    fs::rename(folder_.file("old-state"), place + "/state");
    process::how how;
    how.arguments = {"--config", place + "/tilld.yaml"};
    how.log = place + "/log";
    return process(program_path("tilld"), how);
  }
  void expect_the_old_one_is_refused() {
    line_client client;
    ASSERT_TRUE(client.connect_unix(folder_.file("old") + "/tilld.sock", seconds(20)));
    // Both destinations, each with a sentence that says why.
    auto until = std::chrono::steady_clock::now() + seconds(30);
    int refused = 0;
    std::string last;
    while (refused < 2 && std::chrono::steady_clock::now() < until) {
      auto status = client.call("queue.status");
      ASSERT_TRUE(status);
      last = json::serialize(*status);
      refused = 0;
      for (auto& d : status->at("result").at("destinations").as_array())
        if (auto* stopped = d.as_object().if_contains("stopped"))
          refused += stopped->at("kind").as_string() == "key_refused";
      (void)client.read_line(std::chrono::milliseconds(20));
    }
    EXPECT_EQ(refused, 2) << last;
  }

  scratch_folder folder_;
  shop shop_{folder_.path() + "/shop"};
  int sales_ = 0;
};

TEST_F(replaced_device, goes_on_behind_what_its_servers_hold) {
  drain();
  auto before = shop_.records_at("ledger").size();
  lose_the_disk();
  replace_everywhere();
  shop_.start_till();
  sell(3);
  drain();
  for (auto name : {"ledger", "witness"}) {
    auto records = shop_.records_at(name);
    ASSERT_GT(records.size(), before + 3) << name;
    EXPECT_EQ(records[before].at("kind"), "till.replaced") << name;
    EXPECT_EQ(records[before].at("epoch").to_number<int>(), 2) << name;
    EXPECT_EQ(records[before - 1].at("epoch").to_number<int>(), 1) << name;
    auto event = event_at(name, "replaced");
    EXPECT_TRUE(std::string(event.at("by").as_string()).find("unix:" + std::to_string(::getuid())) !=
                std::string::npos)
        << json::serialize(event);
    EXPECT_EQ(event.at("reason"), "dead disk");
    EXPECT_TRUE(event.at("lost").is_null());
  }
  auto verified = run("tillctl", {"journal", "verify", "--socket", shop_.admin_socket()});
  EXPECT_EQ(verified.code, 0) << verified.said;
  auto proved = run("tillctl", {"journal", "prove", "--socket", shop_.admin_socket()});
  EXPECT_EQ(proved.code, 0) << proved.said;
  // The new device's export and those of both servers, by the program that shares no code with them.
  auto mine = folder_.file("till.tilld"), theirs = folder_.file("ledger.tilld"),
       others = folder_.file("witness.tilld");
  EXPECT_EQ(run("tillctl", {"journal", "export", "--out", mine, "--socket", shop_.admin_socket()}).code, 0);
  EXPECT_EQ(central("ledger", {"export", "till-1", "--out", theirs}).code, 0);
  EXPECT_EQ(central("witness", {"export", "till-1", "--out", others}).code, 0);
  auto judged = run("tilld-verify", {mine, theirs, others});
  EXPECT_EQ(judged.code, 0) << judged.said;
}

TEST_F(replaced_device, is_alone_when_the_old_one_comes_back) {
  drain();
  lose_the_disk();
  replace_everywhere();
  shop_.start_till();
  sell(2);
  drain();
  auto held = shop_.records_at("ledger").size();
  auto old = start_the_old_one();
  expect_the_old_one_is_refused();
  // The new one sells on meanwhile, and nothing of the old one came in.
  sell(2);
  drain();
  EXPECT_EQ(shop_.records_at("ledger").size(), held + 2);
  auto status = shop_.get("ledger", "/v1/tills/till-1/head");
  ASSERT_TRUE(status);
  EXPECT_TRUE(status->at("quarantine").is_null());
  EXPECT_TRUE(status->at("connected").as_bool());
}

TEST_F(replaced_device, sends_the_old_one_away_that_is_still_connected) {
  drain();
  // A copy is taken while the old one sells on: nobody looked whether it was really dead.
  auto key_folder = folder_.file("new-state");
  auto asked = run("tillctl", {"replace", "request", "--state", key_folder, "--json"});
  ASSERT_EQ(asked.code, 0);
  auto key = std::string(json::parse(asked.said).at("public_key").as_string());
  for (auto name : {"ledger", "witness"}) {
    auto arguments = std::string(name) == "ledger"
                         ? std::vector<std::string>{"replace",  "till-1", "--public-key",
                                                    key,        "--out",  folder_.file("order"),
                                                    "--reason", "moved"}
                         : std::vector<std::string>{"replace",  "till-1", "--order", folder_.file("order"),
                                                    "--reason", "moved"};
    auto done = central(name, arguments);
    ASSERT_EQ(done.code, 0) << done.said;
  }
  auto held = shop_.records_at("ledger").size();
  sell(1);
  auto client = shop_.connect();
  auto until = std::chrono::steady_clock::now() + seconds(30);
  bool told = false;
  while (!told && std::chrono::steady_clock::now() < until) {
    auto status = client.call("queue.status");
    ASSERT_TRUE(status);
    told = true;
    for (auto& d : status->at("result").at("destinations").as_array())
      told = told && d.as_object().contains("stopped");
    (void)client.read_line(std::chrono::milliseconds(20));
  }
  EXPECT_TRUE(told);
  EXPECT_EQ(shop_.records_at("ledger").size(), held);
}

TEST_F(replaced_device, has_what_is_lost_named_and_closed_by_a_person) {
  drain();
  // The ledger is away while three more are sold; the witness has them when the disk dies.
  auto& ledger = shop_.get_central("ledger");
  ledger.running.kill();
  sell(3);
  ASSERT_TRUE(shop_.wait_drained("witness"));
  shop_.till().kill();
  shop_.start_central("ledger");
  lose_the_disk();
  auto witness_has = shop_.records_at("witness").size();
  auto ledger_has = shop_.records_at("ledger").size();
  ASSERT_EQ(witness_has, ledger_has + 3);
  auto key = request();
  auto statement = folder_.file("witness.said"), order = folder_.file("order");
  ASSERT_EQ(central("witness", {"export", "till-1", "--statement", "--out", statement}).code, 0);
  std::vector<std::string> replace{"replace", "till-1", "--public-key", key,        "--seen",
                                   statement, "--out",  order,          "--reason", "dead disk"};
  auto refused = central("ledger", replace);
  EXPECT_EQ(refused.code, 1);
  auto range = "records " + std::to_string(ledger_has + 1) + " to " + std::to_string(witness_has);
  EXPECT_NE(refused.said.find(range), std::string::npos) << refused.said;
  EXPECT_FALSE(fs::exists(order));

  auto accepting = replace;
  accepting.push_back("--accept-loss");
  auto done = central("ledger", accepting);
  ASSERT_EQ(done.code, 0) << done.said;
  auto lost = event_at("ledger", "replaced").at("lost").as_object();
  EXPECT_EQ(lost.at("from").to_number<std::size_t>(), ledger_has + 1);
  EXPECT_EQ(lost.at("to").to_number<std::size_t>(), witness_has);
}

TEST_F(replaced_device, loses_nothing_that_the_other_server_has) {
  drain();
  auto& ledger = shop_.get_central("ledger");
  ledger.running.kill();
  sell(3);
  ASSERT_TRUE(shop_.wait_drained("witness"));
  shop_.till().kill();
  auto missing = folder_.file("witness.tilld");
  auto witness_has = shop_.records_at("witness").size();
  ASSERT_EQ(central("witness", {"export", "till-1", "--out", missing}).code, 0);
  auto witness_key = shop_.get("witness", "/v1/status");
  ASSERT_TRUE(witness_key);
  auto signer = std::string(witness_key->at("public_key").as_string());
  // The ledger is stopped; without the right signer nothing is taken.
  auto wrong = central("ledger", {"complete", "till-1", "--file", missing, "--reason", "from the witness"});
  EXPECT_EQ(wrong.code, 1);
  auto taken = central("ledger", {"complete", "till-1", "--file", missing, "--signer", signer, "--reason",
                                  "from the witness"});
  ASSERT_EQ(taken.code, 0) << taken.said;
  EXPECT_NE(taken.said.find("3 records"), std::string::npos) << taken.said;
  shop_.start_central("ledger");
  lose_the_disk();
  EXPECT_EQ(shop_.records_at("ledger").size(), witness_has);
  EXPECT_EQ(event_at("ledger", "completed").at("to").to_number<std::size_t>(), witness_has);
  replace_everywhere();
  EXPECT_TRUE(event_at("ledger", "replaced").at("lost").is_null());
  shop_.start_till();
  sell(1);
  drain();
  for (auto name : {"ledger", "witness"}) {
    auto status = shop_.get(name, "/v1/verify");
    ASSERT_TRUE(status) << name;
    EXPECT_TRUE(status->at("good").as_bool()) << json::serialize(*status);
  }
}

TEST_F(replaced_device, takes_no_order_that_is_not_for_it) {
  drain();
  lose_the_disk();
  request();
  auto order = folder_.file("order");
  auto done = central("ledger", {"replace", "till-1", "--public-key", std::string(64, 'a'), "--out", order,
                                 "--reason", "dead disk"});
  ASSERT_EQ(done.code, 0) << done.said;
  EXPECT_EQ(begin(order).code, 1);
  auto text = content(order);
  text[text.find("\"epoch\":") + 8] = '7';
  std::ofstream(folder_.file("changed")) << text;
  auto changed = begin(folder_.file("changed"));
  EXPECT_EQ(changed.code, 1);
  // And a device that has sold already does not begin anew.
  fs::rename(folder_.file("old-state"), folder_.file("sold"));
  auto again = run("tillctl", {"replace", "request", "--state", folder_.file("sold")});
  EXPECT_EQ(again.code, 1) << again.said;
}

}  // namespace
}  // namespace tilld::tests
