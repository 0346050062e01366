// Clients that go while something is in hand for them: what costs the others nothing.
#include <fstream>

#include "tests/support/http_client.hpp"
#include "tests/two_tills/two_tills.hpp"

namespace tilld::tests {
namespace {

class hanging_up : public two_tills {
 protected:
  static constexpr const char* work = "org.tilld.test.stubborn.work";
  void SetUp() override {
    shop_.http_port = free_port();
    two_tills::SetUp();
  }
  std::string body(const std::string& method, const json::object& params) {
    return json::serialize(
        json::object{{"jsonrpc", "2.0"}, {"id", 1}, {"method", method}, {"params", params}});
  }
  std::size_t resident_octets() {
    std::ifstream status("/proc/" + std::to_string(shop_.till().id()) + "/status");
    for (std::string line; std::getline(status, line);)
      if (line.starts_with("VmRSS:")) return std::stoull(line.substr(6)) * 1024;
    return 0;
  }
};

}  // namespace

TEST_F(hanging_up, frees_the_device_of_calls_whose_answer_nobody_can_ever_get) {
  for (int i = 0; i < 9; ++i) {
    auto till = sign_on(token_1_);
    till.send("reader.await", {{"deadline_ms", 600'000}});
    ASSERT_TRUE(in_hand_at("sim", 1));
    break_off(till);
    ASSERT_TRUE(in_hand_at("sim", 0));
  }
  EXPECT_EQ(kind_of(two_.call("printer.status")), "result");
}

TEST_F(hanging_up, frees_the_device_over_http_too_and_leaves_alone_what_has_a_key) {
  std::vector<http_client> clients(8);
  for (std::size_t i = 0; i < clients.size(); ++i) {
    ASSERT_TRUE(clients[i].connect_tcp(shop_.http_port));
    clients[i].send(post(shop_.http_port, token_1_, body("reader.await", {{"deadline_ms", 600'000}})));
  }
  ASSERT_TRUE(in_hand_at("sim", 8));
  for (auto& one : clients) one.close();
  EXPECT_TRUE(in_hand_at("sim", 0));
  EXPECT_EQ(kind_of(two_.call("printer.status")), "result");

  json::object params{{"when_cancelled", "has_done_it"}, {"idempotency_key", "k"}};
  http_client keyed;
  ASSERT_TRUE(keyed.connect_tcp(shop_.http_port));
  keyed.send(post(shop_.http_port, token_1_, body(work, params)));
  ASSERT_TRUE(in_hand_at("slow", 1));
  keyed.close();
  // Its key finds it again, at work.
  params["wait_ms"] = 0;
  auto found = result_of(one_.call(work, params));
  EXPECT_EQ(text_of(found.at("state")), "running");
  EXPECT_TRUE(in_hand_at("slow", 1));
  one_.call("rpc.cancel", {{"operation_id", found.at("operation_id")}});
  EXPECT_EQ(
      result_of(one_.call(work, {{"when_cancelled", "has_done_it"}, {"idempotency_key", "k"}})).at("said"),
      "done");
}

TEST_F(hanging_up, leaves_nothing_behind_of_those_who_only_waited) {
  json::object params{{"when_cancelled", "has_done_it"},
                      {"idempotency_key", "k"},
                      {"deadline_ms", 600'000},
                      {"pad", std::string(3000, 'x')}};
  auto request = post(shop_.http_port, token_1_, body(work, params));
  params["wait_ms"] = 0;
  auto operation = result_of(one_.call(work, params)).at("operation_id");
  auto get = post(shop_.http_port, token_1_,
                  body("operation.get",
                       {{"operation_id", operation}, {"wait_ms", 600'000}, {"pad", std::string(3000, 'x')}}));
  auto round = [&](int times) {
    for (int i = 0; i < times; ++i) {
      http_client client;
      ASSERT_TRUE(client.connect_tcp(shop_.http_port));
      ASSERT_TRUE(client.send(i % 2 ? request : get));
      client.close();
      // At most a few at a time, so that each gets a place.
      if (i % 20 == 19) {
        ASSERT_TRUE(connections_are(3));
      }
    }
  };
  round(300);
  [[maybe_unused]] auto before = resident_octets();
  round(3000);
#ifndef TILLD_SANITIZED  // which keeps for a while what was freed
  EXPECT_LT(resident_octets(), before + (8 << 20)) << "each left what it had said";
#endif
  one_.call("rpc.cancel", {{"operation_id", operation}});
}

}  // namespace tilld::tests
