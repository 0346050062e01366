// Two tills at one daemon with simulated devices: whole programs, real sockets. Each till has a token of its
// own, so they are two principals.
#pragma once

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <boost/json.hpp>

#include "tests/support/scratch.hpp"
#include "tests/support/shop.hpp"

namespace tilld::tests {

namespace json = boost::json;
using std::chrono::milliseconds;

inline json::object result_of(const std::optional<json::object>& answer) {
  if (!answer) {
    ADD_FAILURE() << "no answer";
    return {};
  }
  if (auto* r = answer->if_contains("result")) return r->as_object();
  ADD_FAILURE() << json::serialize(*answer);
  return {};
}

inline std::string kind_of(const std::optional<json::object>& answer) {
  if (!answer) return "no answer";
  auto* e = answer->if_contains("error");
  return e ? std::string(e->at("data").at("kind").as_string()) : "result";
}

inline std::string text_of(const json::value& v) { return std::string(v.as_string()); }

class two_tills : public testing::Test {
 protected:
  void SetUp() override {
    shop_.plugins_yaml = "  - {name: sim, plugin: simulated}\n  - {name: slow, plugin: \"" +
                         test_plugin_path("test_stubborn") + "\"}\n";
    shop_.tcp_port = free_port();
    shop_.start_till();
    wait_until_ready();
    admin_ = shop_.connect(true);
    token_1_ = make_token("till");
    token_2_ = make_token("till");
    one_ = sign_on(token_1_);
    two_ = sign_on(token_2_);
  }

  std::string make_token(const std::string& role) {
    return text_of(result_of(admin_.call("token.add", {{"role", role}})).at("token"));
  }
  line_client sign_on(const std::string& token, const std::string& name = "till") {
    line_client client;
    EXPECT_TRUE(client.connect_tcp(shop_.tcp_port));
    hello_ = result_of(client.call("session.hello", {{"token", token}, {"client", {{"name", name}}}}));
    return client;
  }
  void wait_until_ready() {
    auto admin = shop_.connect(true);
    auto until = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    while (std::chrono::steady_clock::now() < until) {
      auto plugins = result_of(admin.call("plugin.list")).at("plugins").as_array();
      if (std::all_of(plugins.begin(), plugins.end(), [](auto& p) { return p.at("state") == "ready"; }))
        return;
      (void)admin.read_line(milliseconds(30));
    }
    FAIL() << "the devices did not become ready";
  }
  json::object subscribe(line_client& client, json::array topics, json::object more = {}) {
    more["topics"] = std::move(topics);
    return result_of(client.call("events.subscribe", more));
  }
  // Somebody holds a label to the scanner.
  void scan(const std::string& text) {
    EXPECT_TRUE(
        result_of(admin_.call("org.tilld.simulation.scan", {{"text", text}})).at("noticed").as_bool());
  }
  std::string next_scan(line_client& client) {
    auto e = client.next_event("scanner.scanned");
    return e ? text_of(e->at("data").at("text")) : "nothing";
  }
  // Nothing of this topic came before the answer to a later question.
  bool heard_nothing(line_client& client, const std::string& topic) {
    EXPECT_EQ(kind_of(client.call("system.ping")), "result");
    return !client.next_event(topic, milliseconds(0));
  }
  json::object document() { return {{"receipt", 1}, {"body", json::array{json::object{{"text", "Tea"}}}}}; }
  std::int64_t printed() {
    return result_of(admin_.call("org.tilld.simulation.look")).at("printed").to_number<std::int64_t>();
  }

  // A till that crashes: nobody can take it for one that has said all and still listens.
  static void break_off(line_client& client) {
    linger at_once{1, 0};
    ::setsockopt(client.descriptor(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    client.close();
  }
  // Waits until so many requests are in hand at a device, with it or in front of it; false at the deadline.
  bool in_hand_at(const std::string& device, std::size_t count) {
    return wait_until([&] {
      auto plugins = result_of(admin_.call("plugin.list")).at("plugins").as_array();
      for (auto& p : plugins)
        if (p.at("name").as_string() == device)
          return p.at("waiting_requests").to_number<std::size_t>() == count;
      return false;
    });
  }
  // The same for how many connections are open.
  bool connections_are(std::size_t count) {
    return wait_until([&] {
      return result_of(admin_.call("system.status")).at("connections").to_number<std::size_t>() == count;
    });
  }
  bool wait_until(const std::function<bool()>& holds) {
    auto until = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (std::chrono::steady_clock::now() < until) {
      if (holds()) return true;
      (void)admin_.read_line(milliseconds(5));
    }
    return holds();
  }

  scratch_folder folder_;
  shop shop_{folder_.path()};
  line_client admin_, one_, two_;
  std::string token_1_, token_2_;
  json::object hello_;
};

}  // namespace tilld::tests
