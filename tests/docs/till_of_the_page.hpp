// The till that the pages speak of, running: simulated devices, and a central server that does not answer.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <string>

#include "base/file.hpp"
#include "tests/support/scratch.hpp"
#include "tests/support/shop.hpp"

namespace tilld::tests {

inline constexpr const char* simulated_devices = R"(  - name: sim
    plugin: simulated
    config:
      as_of: "2026-11-21T14:05:00Z"
      customers:
        - found_by: ["4711"]
          customer:
            id: 018bcfe5-6800-7abc-8123-456789abcdef
            name: Ada Lovelace
            level: gold
            balances:
              - {kind: wallet, amount: {minor: 1240, currency: EUR}}
              - {kind: points, count: 230}
            rewards:
              - {id: coffee, title: A free coffee, points: 200}
      wallets:
        - {uid: 04A1B2C3D4E5F6, balance: {minor: 1240, currency: EUR}}
)";

class till_of_the_page {
 public:
  till_of_the_page() : shop_(folder_.path()) {
    shop_.plugins_yaml = simulated_devices;
    shop_.tcp_port = free_port();
    shop_.add_central("central");
    shop_.start_till();
    admin_ = shop_.connect(true);
  }

  // The device was pulled out: it is ready again only after another start.
  void expect_restart() { ++restarts_; }

  bool wait_for_devices() {
    for (auto until = std::chrono::steady_clock::now() + std::chrono::seconds(30);
         std::chrono::steady_clock::now() < until;) {
      auto answer = admin_.call("plugin.list");
      if (!answer) return false;
      auto& plugins = answer->at("result").at("plugins").as_array();
      auto is_back = [&](const boost::json::value& p) {
        return p.at("state") == "ready" && p.at("restarts").as_int64() >= restarts_;
      };
      if (std::all_of(plugins.begin(), plugins.end(), is_back)) return true;
      // The next answer comes when the daemon has something to say, at the latest after this.
      admin_.next_event("none", std::chrono::milliseconds(50));
    }
    return false;
  }

  std::string log() const {
    auto octets = base::read_file(shop_.till_log());
    return octets ? std::string(base::as_text(*octets)) : "";
  }

  std::string make_token(const std::string& role) {
    auto answer = admin_.call("token.add", {{"role", role}});
    return answer ? std::string(answer->at("result").at("token").as_string()) : "";
  }

  line_client connect(const std::string& door) {
    if (door != "tcp") return shop_.connect(door == "admin");
    line_client client;
    EXPECT_TRUE(client.connect_tcp(shop_.tcp_port));
    return client;
  }
  line_client sign_on(const std::string& token) {
    auto client = connect("tcp");
    auto answer = client.call("session.hello", {{"token", token}});
    EXPECT_TRUE(answer && answer->contains("result"));
    return client;
  }

 private:
  scratch_folder folder_;
  shop shop_;
  line_client admin_;
  std::int64_t restarts_ = 0;
};

}  // namespace tilld::tests
