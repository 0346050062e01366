// What till-central says over HTTP, and to whom.
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "tests/central/test_till.hpp"

namespace tilld::tests {
namespace {

namespace asio = boost::asio;

struct http : testing::Test {
  asio::io_context io;
  central_program central;
  test_till till{io};

  void SetUp() override {
    central.tills["till-1"] = {till.key.public_half()};
    central.write_config();
    ASSERT_TRUE(central.start());
  }
  void sell_and_arrive(int count) {
    for (int i = 0; i < count; ++i) till.sell();
    ASSERT_TRUE(run_until(io, [&] { return till.everything_arrived(); }));
  }
  std::string host() const { return "127.0.0.1:" + std::to_string(central.http_port()); }
  http_reply with(const std::string& host_line, const std::string& more,
                  const std::string& target = "/v1/status", const std::string& method = "GET") {
    return central.raw_http(method + " " + target + " HTTP/1.1\r\n" + host_line + more +
                            "Connection: close\r\n\r\n");
  }
  std::string bearer() const { return "Authorization: Bearer " + central.token() + "\r\n"; }
};

TEST_F(http, reads_records_back_with_their_headers_bodies_and_hashes) {
  till.forward_to("head-office", central);
  sell_and_arrive(3);
  auto page = central.get("/v1/tills/till-1/records?from=2&limit=1").json();
  ASSERT_EQ(page.at("records").as_array().size(), 1u);
  auto& r = page.at("records").at(0).as_object();
  EXPECT_EQ(r.at("sequence").to_number<int>(), 2);
  EXPECT_EQ(r.at("central_sequence").to_number<int>(), 3);
  EXPECT_EQ(r.at("kind").as_string(), "sale");
  EXPECT_EQ(r.at("epoch").to_number<int>(), 1);
  EXPECT_EQ(r.at("body").at("total").at("minor").to_number<int>(), 1250);
  EXPECT_EQ(r.at("hash").as_string(), base::to_hex(till.journal.records[1].hash));
  EXPECT_EQ(r.at("header").as_string(), base::to_hex(till.journal.records[1].header));
  EXPECT_EQ(page.at("next").to_number<int>(), 3);
  EXPECT_TRUE(central.get("/v1/tills/till-1/records?from=3").json().at("next").is_null());
  EXPECT_EQ(central.get("/v1/tills/till-1/records?from=4").json().at("records").as_array().size(), 0u);
  for (auto wrong : {"?from=0", "?from=-1", "?from=x", "?limit=0", "?since=1", "?from=99999999999999999999"})
    EXPECT_EQ(central.get(std::string("/v1/tills/till-1/records") + wrong).status, 400) << wrong;
}

TEST_F(http, says_where_everything_stands) {
  till.forward_to("head-office", central);
  sell_and_arrive(2);
  auto status = central.get("/v1/status").json();
  EXPECT_EQ(status.at("role").as_string(), "ledger");
  EXPECT_EQ(status.at("central").at("sequence").to_number<int>(), 3);
  auto& t = status.at("tills").at(0);
  EXPECT_TRUE(t.at("connected").as_bool());
  EXPECT_EQ(t.at("branch").as_string(), "main");
  EXPECT_EQ(t.at("hash").as_string(), base::to_hex(till.journal.head().hash));
  EXPECT_EQ(central.get("/v1/tills").json().at("tills").as_array().size(), 1u);
}

TEST_F(http, makes_a_token_that_only_its_owner_can_read) {
  struct stat found {};
  ASSERT_EQ(::stat(central.file("central.token").c_str(), &found), 0);
  EXPECT_EQ(found.st_mode & 0777, 0600u);
  EXPECT_EQ(central.token().size(), 64u);
  ASSERT_EQ(::stat(central.file("central.key").c_str(), &found), 0);
  EXPECT_EQ(found.st_mode & 0777, 0600u);
  EXPECT_EQ(central.output().find(central.token()), std::string::npos);
}

TEST_F(http, refuses_whoever_has_no_token) {
  auto h = "Host: " + host() + "\r\n";
  EXPECT_EQ(with(h, "").status, 401);
  EXPECT_EQ(with(h, "Authorization: Bearer \r\n").status, 401);
  EXPECT_EQ(with(h, "Authorization: Bearer " + std::string(64, '0') + "\r\n").status, 401);
  EXPECT_EQ(with(h, "Authorization: Basic " + central.token() + "\r\n").status, 401);
  EXPECT_EQ(with(h, "Authorization: Bearer " + central.token().substr(0, 63) + "\r\n").status, 401);
  EXPECT_EQ(with(h, bearer() + bearer()).status, 401);
  EXPECT_EQ(with(h, "", "/v1/tills/till-1/release", "POST").status, 401);
  EXPECT_EQ(with(h, bearer()).status, 200);
}

TEST_F(http, refuses_a_request_that_is_meant_for_another_host) {
  auto port = std::to_string(central.http_port());
  for (const std::string& name :
       std::vector<std::string>{"evil.example", "evil.example:" + port, std::string("127.0.0.1"),
                                "127.0.0.1:1", "127.0.0.1.evil.example:" + port, "localhost.:" + port,
                                "LOCALHOST:" + port, "0.0.0.0:" + port, std::string()})
    EXPECT_EQ(with("Host: " + name + "\r\n", bearer()).status, 421) << name;
  EXPECT_EQ(with("", bearer()).status, 400);
  EXPECT_EQ(with("Host: " + host() + "\r\nHost: " + host() + "\r\n", bearer()).status, 400);
  EXPECT_EQ(with("Host: localhost:" + port + "\r\n", bearer()).status, 200);
  EXPECT_EQ(with("Host: [::1]:" + port + "\r\n", bearer()).status, 200);
}

TEST_F(http, knows_its_paths_and_their_methods) {
  for (auto path :
       {"/", "/v1", "/v2/status", "/v1/status/", "/v1//status", "/v1/tills/till-1", "/v1/tills/till-1/other",
        "/v1/status/../status", "/v1/%73tatus", "/etc/passwd", "/v1/tills/TILL-1/head"})
    EXPECT_EQ(central.get(path).status, 404) << path;
  for (auto method : {"POST", "PUT", "DELETE", "OPTIONS", "PATCH"}) {
    auto r = central.ask(method, "/v1/status", "");
    EXPECT_EQ(r.status, 405) << method;
    EXPECT_NE(r.head.find("Allow: GET"), std::string::npos);
    EXPECT_EQ(r.head.find("Access-Control"), std::string::npos);
  }
  EXPECT_EQ(central.get("/v1/tills/till-1/release").status, 405);
  EXPECT_EQ(central.get("/v1/tills/till-7/head").status, 404);
}

TEST_F(http, refuses_heads_and_bodies_that_are_too_large) {
  auto h = "Host: " + host() + "\r\n" + bearer();
  EXPECT_EQ(with(h, "X-Filler: " + std::string(20'000, 'x') + "\r\n").status, 431);
  EXPECT_EQ(central.ask("POST", "/v1/tills/till-1/release", std::string(100'000, ' ')).status, 413);
  EXPECT_EQ(central.raw_http("\x01\x02garbage\r\n\r\n").status, 400);
}

TEST_F(http, releases_only_with_a_reason) {
  for (auto body : {"", "{}", "{\"reason\":\"\"}", "{\"reason\":1}", "[]", "{\"reason\":\"x\",\"more\":1}",
                    "{\"reason\":"})
    EXPECT_EQ(central.ask("POST", "/v1/tills/till-1/release", body).status, 400) << body;
  EXPECT_EQ(central.ask("POST", "/v1/tills/till-9/release", "{\"reason\":\"x\"}").status, 404);
  // Listed, never seen and not stopped.
  EXPECT_EQ(central.ask("POST", "/v1/tills/till-1/release", "{\"reason\":\"x\"}").status, 409);
  till.forward_to("head-office", central);
  sell_and_arrive(1);
  EXPECT_EQ(central.ask("POST", "/v1/tills/till-1/release", "{\"reason\":\"x\"}").status, 409);
}

TEST_F(http, keeps_answering_beside_clients_that_send_slowly_or_never_read) {
  till.forward_to("head-office", central);
  for (int i = 0; i < 200; ++i) till.sell(R"({"filler":")" + std::string(10'000, 'x') + "\"}");
  ASSERT_TRUE(run_until(io, [&] { return till.everything_arrived(); }));
  std::vector<base::unique_fd> slow;
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  at.sin_port = htons(central.http_port());
  auto wants_much =
      "GET /v1/tills/till-1/records?limit=1000 HTTP/1.1\r\nHost: " + host() + "\r\n" + bearer() + "\r\n";
  for (int i = 0; i < 20; ++i) {
    base::unique_fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    ASSERT_EQ(::connect(fd.get(), reinterpret_cast<sockaddr*>(&at), sizeof at), 0);
    auto text = i % 2 ? std::string("GET /v1/sta") : wants_much;
    ASSERT_GT(::send(fd.get(), text.data(), text.size(), MSG_NOSIGNAL), 0);
    slow.push_back(std::move(fd));
  }
  for (int i = 0; i < 5; ++i) {
    sell_and_arrive(2);
    EXPECT_EQ(central.get("/v1/status").status, 200);
  }
}

TEST_F(http, verifies_everything_while_records_keep_coming) {
  till.forward_to("head-office", central);
  sell_and_arrive(3000);
  base::unique_fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  at.sin_port = htons(central.http_port());
  ASSERT_EQ(::connect(fd.get(), reinterpret_cast<sockaddr*>(&at), sizeof at), 0);
  auto text = "GET /v1/verify HTTP/1.1\r\nHost: " + host() + "\r\n" + bearer() + "Connection: close\r\n\r\n";
  ASSERT_GT(::send(fd.get(), text.data(), text.size(), MSG_NOSIGNAL), 0);
  sell_and_arrive(50);
  std::string answer;
  char chunk[4096];
  for (;;) {
    auto n = ::recv(fd.get(), chunk, sizeof chunk, 0);
    if (n <= 0) break;
    answer.append(chunk, static_cast<std::size_t>(n));
  }
  EXPECT_NE(answer.find("\"good\":true"), std::string::npos) << answer;
}

}  // namespace
}  // namespace tilld::tests
