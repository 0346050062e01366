// tillctl pair, as docs/browser-tills.md tells it: the token that it prints lets in the pages that it was
// made for, over HTTP and WebSocket, and nobody else.
#include <gtest/gtest.h>

#include <regex>

#include <boost/json.hpp>

#include "tests/ctl/tillctl_run.hpp"
#include "tests/support/http_client.hpp"
#include "tests/support/scratch.hpp"
#include "tests/support/shop.hpp"

namespace tilld::tests {
namespace {

namespace json = boost::json;
using words = std::vector<std::string>;

const std::string page = "https://till.example", other_page = "https://back-office.example",
                  unknown_page = "https://evil.example";
const std::string ping = R"({"jsonrpc":"2.0","id":1,"method":"system.ping"})";

class pairing : public testing::Test {
 protected:
  void SetUp() override {
    shop_.http_port = free_port();
    shop_.tcp_port = free_port();
    shop_.http_origins = {page, other_page};
    shop_.start_till();
  }
  void TearDown() override { shop_.stop_till(); }

  said run(words line) {
    line.insert(line.end(), {"--socket", shop_.admin_socket()});
    return run_tillctl(line);
  }
  struct made {
    std::string id, token;
  };
  // The token alone on stdout, as a script takes it; its id in the remark on stderr.
  made pair(words options = {}) {
    options.insert(options.begin(), "pair");
    auto printed = run(options);
    EXPECT_EQ(printed.code, 0) << printed.err;
    EXPECT_EQ(printed.out.size(), 65u) << printed.out;
    auto token = printed.out.substr(0, 64);
    EXPECT_EQ(printed.err.find(token), printed.err.npos) << "it stands on stdout alone";
    std::smatch id;
    EXPECT_TRUE(std::regex_search(printed.err, id, std::regex("^Token ([0-9a-f]+), role till")))
        << printed.err;
    return {id[1], token};
  }
  static std::string fields(const std::string& origin) {
    return origin.empty() ? "" : "Origin: " + origin + "\r\n";
  }

  // The status of a call by HTTP from a page, or without an origin from a program.
  int call(const std::string& token, const std::string& origin, http_response* whole = nullptr) {
    http_client client;
    EXPECT_TRUE(client.connect_tcp(shop_.http_port));
    client.send(post(shop_.http_port, token, ping, fields(origin)));
    auto answer = client.response();
    if (answer && whole) *whole = *answer;
    return answer ? answer->status : 0;
  }
  // What becomes of session.hello on a WebSocket: "result", the kind of the error, or the status that refused
  // the upgrade.
  std::string sign_on(const std::string& token, const std::string& origin, http_client& client) {
    EXPECT_TRUE(client.connect_tcp(shop_.http_port));
    auto upgraded =
        client.upgrade("Host: 127.0.0.1:" + std::to_string(shop_.http_port) + "\r\n" + fields(origin));
    if (!upgraded) return "no answer";
    if (upgraded->status != 101) return std::to_string(upgraded->status);
    client.send_text(R"({"jsonrpc":"2.0","id":1,"method":"session.hello","params":{"token":")" + token +
                     R"("}})");
    auto frame = client.next_frame();
    if (!frame || frame->opcode != 1) return "no answer";
    auto answer = json::parse(frame->data).as_object();
    if (answer.contains("result")) return "result";
    return std::string(answer.at("error").at("data").at("kind").as_string());
  }
  std::string sign_on(const std::string& token, const std::string& origin) {
    http_client client;
    auto what = sign_on(token, origin, client);
    if (what == "unauthenticated") {
      auto close = client.next_frame();
      EXPECT_TRUE(close && close->opcode == 8 && close->close_code() == 1008)
          << "the table of the page says 1008";
    }
    return what;
  }

  scratch_folder folder_;
  shop shop_{folder_.path()};
};

TEST_F(pairing, lets_the_pages_of_its_origin_in_and_nobody_else) {
  auto token = pair({"--origin", page, "--note", "till 3"}).token;
  http_response answer;
  EXPECT_EQ(call(token, page, &answer), 200);
  EXPECT_TRUE(answer.json().contains("result")) << answer.body;
  EXPECT_EQ(answer.fields["access-control-allow-origin"], page);
  EXPECT_EQ(sign_on(token, page), "result");

  // Another page of the configuration, one that is in none, and no page at all.
  EXPECT_EQ(call(token, other_page), 401);
  EXPECT_EQ(sign_on(token, other_page), "unauthenticated");
  EXPECT_EQ(call(token, unknown_page), 403);
  EXPECT_EQ(sign_on(token, unknown_page), "403");
  EXPECT_EQ(call(token, ""), 401);
  EXPECT_EQ(sign_on(token, ""), "unauthenticated");
  line_client program;
  ASSERT_TRUE(program.connect_tcp(shop_.tcp_port));
  auto hello = program.call("session.hello", {{"token", token}});
  ASSERT_TRUE(hello && hello->contains("error"));
  EXPECT_EQ(hello->at("error").at("data").at("kind"), "unauthenticated");
}

TEST_F(pairing, without_an_origin_lets_programs_in_and_no_page) {
  auto token = pair().token;
  EXPECT_EQ(call(token, ""), 200);
  EXPECT_EQ(sign_on(token, ""), "result");
  EXPECT_EQ(call(token, page), 401);
  EXPECT_EQ(sign_on(token, page), "unauthenticated");
}

TEST_F(pairing, spells_the_origin_as_the_browser_does) {
  auto token = pair({"--origin", "HTTPS://Till.Example:443/"}).token;
  EXPECT_EQ(call(token, page), 200);
}

TEST_F(pairing, ends_with_the_removal_of_the_token) {
  auto gone = pair({"--origin", page}), stays = pair({"--origin", page});
  http_client connected, other;
  ASSERT_EQ(sign_on(gone.token, page, connected), "result");
  ASSERT_EQ(sign_on(stays.token, page, other), "result");
  EXPECT_EQ(run({"token", "remove", gone.id}).code, 0);
  EXPECT_EQ(call(gone.token, page), 401);
  EXPECT_EQ(sign_on(gone.token, page), "unauthenticated");
  EXPECT_TRUE(connected.hung_up()) << "what was open with it is closed";
  EXPECT_EQ(call(stays.token, page), 200);
  EXPECT_EQ(sign_on(stays.token, page), "result");
  other.send_text(ping);
  auto answer = other.next_frame();
  EXPECT_TRUE(answer && answer->data.find("unix_ms") != std::string::npos) << "the other one goes on";
}

TEST_F(pairing, refuses_an_origin_that_is_none) {
  for (auto wrong : {"*", "null", "till.example", "http://till.example", "https://till.example/till"}) {
    auto refused = run({"pair", "--origin", wrong});
    EXPECT_NE(refused.code, 0) << wrong;
    EXPECT_EQ(refused.out, "") << wrong;
  }
  EXPECT_EQ(run({"token", "list", "--json"}).json().at("tokens").as_array().size(), 0u);
}

}  // namespace
}  // namespace tilld::tests
