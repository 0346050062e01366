// HTTP and WebSocket against those who mean harm or are broken: web pages that do not belong here, requests
// that two readers could read differently, and clients that take their time. Each gets its refusal, the
// connection is closed, and the till goes on.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/socket.h>

#include "tests/hostile/neighbour.hpp"
#include "tests/support/http_client.hpp"
#include "tests/support/scratch.hpp"
#include "tests/support/shop.hpp"
#include "wire/base64.hpp"

using namespace tilld;
using namespace tilld::hostile;
using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;
using tests::http_client;
using tests::post;
namespace json = boost::json;

namespace {

const std::string ping = R"({"jsonrpc":"2.0","id":1,"method":"system.ping"})";
const std::string page = "https://till.example";

class a_till_with_http : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder_ = new tests::scratch_folder;
    shop_ = new tests::shop(folder_->path());
    shop_->tcp_port = tests::free_port();
    shop_->http_port = tests::free_port();
    shop_->http_origins = {page, "http://localhost:3000"};
    shop_->plugins_yaml = "  - {name: devices, plugin: simulated}\n";
    shop_->start_till();
    auto admin = shop_->connect(true);
    token_ = token_of(admin.call("token.add", {{"role", "till"}}));
    page_token_ = token_of(admin.call("token.add", {{"role", "till"}, {"origin", page}}));
    honest_ = new neighbour(shop_->socket());
    (void)honest_->ping(100);
  }
  static void TearDownTestSuite() {
    delete honest_;
    shop_->stop_till();
    delete shop_;
    delete folder_;
  }
  void TearDown() override {
    EXPECT_EQ(honest_->ping(5).unanswered, 0u) << "the neighbour noticed";
    EXPECT_EQ(::kill(shop_->till().id(), 0), 0) << "the daemon is gone";
  }

  static std::string token_of(const std::optional<json::object>& answer) {
    return std::string(answer.value().at("result").at("token").as_string());
  }
  static std::uint16_t port() { return shop_->http_port; }
  static std::string host() { return "Host: 127.0.0.1:" + std::to_string(port()) + "\r\n"; }
  static http_client connect() {
    http_client client;
    EXPECT_TRUE(client.connect_tcp(port()));
    return client;
  }
  // A WebSocket that has signed on as the page, or as a program.
  static http_client web_socket(bool as_page = true) {
    auto client = connect();
    auto answer = client.upgrade(host() + (as_page ? "Origin: " + page + "\r\n" : ""));
    EXPECT_TRUE(answer && answer->status == 101);
    client.send_text(R"({"jsonrpc":"2.0","id":0,"method":"session.hello","params":{"token":")" +
                     (as_page ? page_token_ : token_) + R"("}})");
    auto hello = client.next_frame();
    EXPECT_TRUE(hello && hello->data.find("\"principal\":\"token:") != std::string::npos);
    return client;
  }

  static inline tests::scratch_folder* folder_ = nullptr;
  static inline tests::shop* shop_ = nullptr;
  static inline neighbour* honest_ = nullptr;
  static inline std::string token_, page_token_;
};

// What is sent, and the status that it gets; with every refusal the connection ends.
struct hostile_request {
  std::string octets;
  int status;
};

std::string many_fields() {
  std::string all;
  for (int i = 0; i < 70; ++i) all += "X-" + std::to_string(i) + ": 1\r\n";
  return all;
}

}  // namespace

TEST_F(a_till_with_http, refuses_each_hostile_request_as_it_should) {
  auto with = [&](const std::string& fields) { return post(port(), token_, ping, fields); };
  auto of_page = [&](const std::string& origin) {
    return post(port(), page_token_, ping, "Origin: " + origin + "\r\n");
  };
  auto of_host = [&](const std::string& name) {
    return "POST /rpc HTTP/1.1\r\nHost: " + name + "\r\nAuthorization: Bearer " + token_ +
           "\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}";
  };
  auto line = [&](const std::string& first) { return first + "\r\n" + host() + "\r\n"; };
  auto plain = [&](const std::string& fields, const std::string& body) {
    return "POST /rpc HTTP/1.1\r\n" + host() + "Authorization: Bearer " + token_ +
           "\r\nContent-Type: application/json\r\n" + fields + "\r\n" + body;
  };
  auto p = std::to_string(port());
  std::vector<hostile_request> all{
      // Pages that do not belong here.
      {of_page("null"), 403},
      {of_page("https://evil.example"), 403},
      {of_page("https://till.example.evil.example"), 403},
      {of_page("https://eviltill.example"), 403},
      {of_page("https://TILL.EXAMPLE"), 403},
      {of_page("https://till.example:443"), 403},
      {of_page("https://till.example:8443"), 403},
      {of_page("https://till.example."), 403},
      {of_page("https://till.example/"), 403},
      {of_page("https://user@till.example"), 403},
      {of_page("http://till.example"), 403},
      {of_page("https://till.example, https://evil.example"), 403},
      {of_page("*"), 403},
      {of_page("file://"), 403},
      {of_page("http://127.0.0.1:" + p), 403},
      {with("Sec-Fetch-Site: cross-site\r\n"), 403},
      {with("Sec-Fetch-Site: same-site\r\n"), 403},
      {"GET /health HTTP/1.1\r\n" + host() + "Sec-Fetch-Site: cross-site\r\nSec-Fetch-Dest: image\r\n\r\n",
       403},
      {"OPTIONS /rpc HTTP/1.1\r\n" + host() + "Origin: https://evil.example\r\n\r\n", 403},
      // Names that somebody else's name server gave this machine.
      {of_host("evil.example:" + p), 421},
      {of_host("127.0.0.1.evil.example:" + p), 421},
      {of_host("7f000001.rbndr.us:" + p), 421},
      {of_host("localhost.:" + p), 421},
      {of_host("127.0.0.1"), 421},
      {of_host("127.1:" + p), 421},
      {of_host("0.0.0.0:" + p), 421},
      {of_host("127.0.0.1:1"), 421},
      {of_host(""), 421},
      {"GET /ws HTTP/1.1\r\nHost: evil.example\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n", 421},
      // Tokens.
      {post(port(), "", ping), 401},
      {post(port(), std::string(64, '0'), ping), 401},
      {post(port(), page_token_, ping), 401},
      {post(port(), token_, ping, "Origin: " + page + "\r\n"), 401},
      {post(port(), page_token_, ping, "Origin: http://localhost:3000\r\n"), 401},
      {plain("Authorization: Bearer " + token_ + "\r\nContent-Length: 2\r\n", "{}"), 400},
      {"POST /rpc?token=" + token_ + " HTTP/1.1\r\n" + host() + "Content-Length: 2\r\n\r\n{}", 401},
      // Methods, paths, versions.
      {line("GET /rpc HTTP/1.1"), 405},
      {line("TRACE /rpc HTTP/1.1"), 405},
      {line("PUT /rpc HTTP/1.1"), 405},
      {line("HEAD /health HTTP/1.1"), 405},
      {line("CONNECT 127.0.0.1:" + p + " HTTP/1.1"), 400},
      {line("GET /etc/passwd HTTP/1.1"), 404},
      {line("GET http://127.0.0.1:" + p + "/health HTTP/1.1"), 400},
      {line("GET /health HTTP/1.0"), 505},
      {line("PRI * HTTP/2.0"), 505},
      {line("GET /health"), 400},
      {line("{\"jsonrpc\":\"2.0\"}"), 400},
      {"\x16\x03\x01\x02\r\n\r\n", 400},
      // Requests that two readers could read differently.
      {plain("Content-Length: 2\r\nContent-Length: 2\r\n", "{}"), 400},
      {plain("Content-Length: 2\r\nContent-Length: 40\r\n", "{}"), 400},
      {plain("Content-Length: 2\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"), 400},
      {plain("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n", "0\r\n\r\n"), 400},
      {plain("Transfer-Encoding: xchunked\r\n", "0\r\n\r\n"), 501},
      {plain("Transfer-Encoding: gzip, chunked\r\n", "0\r\n\r\n"), 501},
      {plain("Transfer-Encoding : chunked\r\n", "0\r\n\r\n"), 400},
      {plain("X-A: a\r\n folded\r\nContent-Length: 2\r\n", "{}"), 400},
      {plain("X-A: a\nX-B: b\r\nContent-Length: 2\r\n", "{}"), 400},
      {plain("Content-Length: -2\r\n", "{}"), 400},
      {plain("Content-Length: 0x2\r\n", "{}"), 400},
      {plain("Transfer-Encoding: chunked\r\n", "zz\r\n{}\r\n0\r\n\r\n"), 400},
      {plain("Transfer-Encoding: chunked\r\n", "ffffffffffffffffff\r\n"), 400},
      {with("X-Tilld-Client: ab\xff\xfe\r\n"), 400},
      {with("X-Tilld-Client: a\tb\r\n"), 400},
      {"POST /rpc HTTP/1.1\r\n" + host() + host() + "Content-Length: 2\r\n\r\n{}", 400},
      {"POST /rpc HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}", 400},
      // Sizes and types.
      {plain("Content-Length: 1048577\r\n", ""), 413},
      {plain("Content-Length: 99999999999999999999\r\n", ""), 413},
      {plain("Transfer-Encoding: chunked\r\n", "200000\r\n" + std::string(0x200000, 'x') + "\r\n0\r\n\r\n"),
       413},
      {plain("", ""), 411},
      {plain("Expect: 200-ok\r\nContent-Length: 2\r\n", "{}"), 417},
      {"GET /health HTTP/1.1\r\n" + host() + "Content-Length: 2\r\n\r\n{}", 400},
      {line("GET /" + std::string(9000, 'x') + " HTTP/1.1"), 431},
      {std::string(20'000, 'G'), 431},
      {plain(many_fields() + "Content-Length: 2\r\n", "{}"), 431},
      {"POST /rpc HTTP/1.1\r\n" + host() + "Authorization: Bearer " + token_ +
           "\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\n{}",
       415},
      {"POST /rpc HTTP/1.1\r\n" + host() + "Authorization: Bearer " + token_ +
           "\r\nContent-Length: 2\r\n\r\n{}",
       415},
      // Upgrades.
      {line("GET /ws HTTP/1.1"), 426},
      {"GET /ws HTTP/1.1\r\n" + host() + "Connection: Upgrade\r\nUpgrade: h2c\r\n\r\n", 426},
      {"GET /ws HTTP/1.1\r\n" + host() +
           "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: "
           "13\r\nSec-WebSocket-Protocol: mqtt\r\n\r\n",
       400},
      {"GET /ws HTTP/1.1\r\n" + host() +
           "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: "
           "x\r\n\r\n"
           "early",
       400},
  };
  EXPECT_GE(all.size(), 40u);
  for (auto& one : all) {
    SCOPED_TRACE(one.octets.substr(0, 400));
    auto client = connect();
    client.send(one.octets);
    auto answer = client.response();
    ASSERT_TRUE(answer) << "no answer";
    EXPECT_EQ(answer->status, one.status) << answer->body;
    EXPECT_TRUE(client.hung_up()) << "the connection stays open";
    EXPECT_EQ(answer->fields["cache-control"], "no-store");
    EXPECT_EQ(answer->fields.count("access-control-allow-credentials"), 0u);
    if (one.status == 403 || one.status == 421) {
      EXPECT_EQ(answer->fields.count("access-control-allow-origin"), 0u);
    }
    EXPECT_EQ(answer->body.find(token_), std::string::npos);
    EXPECT_TRUE(answer->json().contains("error"));
  }
}

TEST_F(a_till_with_http, does_not_look_at_what_stands_behind_a_refused_request) {
  auto client = connect();
  auto second = post(port(), token_, ping);
  client.send(post(port(), "wrong", second) + second);
  auto refused = client.response();
  ASSERT_TRUE(refused);
  EXPECT_EQ(refused->status, 401);
  EXPECT_FALSE(client.response());
}

TEST_F(a_till_with_http, answers_requests_that_were_sent_ahead_in_their_order) {
  auto client = connect();
  std::string all;
  for (int i = 0; i < 50; ++i)
    all +=
        post(port(), token_, R"({"jsonrpc":"2.0","id":)" + std::to_string(i) + R"(,"method":"system.ping"})");
  client.send(all);
  for (int i = 0; i < 50; ++i) {
    auto answer = client.response();
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->json().at("id").as_int64(), i);
  }
}

TEST_F(a_till_with_http, answers_an_allowed_page_and_a_program) {
  auto client = connect();
  client.send(post(port(), page_token_, ping, "Origin: " + page + "\r\nSec-Fetch-Site: cross-site\r\n"));
  auto answer = client.response();
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 200);
  EXPECT_EQ(answer->fields["access-control-allow-origin"], page);
  EXPECT_TRUE(answer->json().contains("result"));
  client.send(post(port(), token_, R"({"jsonrpc":"2.0","id":2,"method":"token.list"})"));
  answer = client.response();
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 200) << "an error of a call is no error of HTTP";
  EXPECT_EQ(answer->json().at("error").at("data").at("kind"), "forbidden");
  client.send(post(port(), token_, R"({"jsonrpc":"2.0","method":"system.ping"})"));
  answer = client.response();
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 204);
  client.send(
      "POST /rpc HTTP/1.1\r\n" + host() + "Authorization: Bearer " + token_ +
      "\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n");
  ASSERT_TRUE(client.response());
  client.send("10\r\n" + ping.substr(0, 16) + "\r\n1f;ext=1\r\n" + ping.substr(16) +
              "\r\n0\r\nTrailer: x\r\n\r\n");
  answer = client.response();
  ASSERT_TRUE(answer);
  EXPECT_TRUE(answer->json().contains("result"));
}

TEST_F(a_till_with_http, writes_the_name_of_a_client_into_the_journal_as_text) {
  auto client = connect();
  std::string sale =
      R"({"jsonrpc":"2.0","id":1,"method":"sale.record","params":{"idempotency_key":"named","total":{"minor":5,"currency":"EUR"}}})";
  client.send(post(port(), token_, sale, "X-Tilld-Client: " + std::string(63, 'k') + "\xc3\xa4\r\n"));
  auto recorded = client.response();
  ASSERT_TRUE(recorded && recorded->json().contains("result"));
  auto sequence = recorded->json().at("result").at("sequence");
  auto read = shop_->connect(true).call("journal.read", {{"from", sequence}, {"limit", 1}});
  ASSERT_TRUE(read);
  auto body = wire::from_base64(read->at("result").at("records").at(0).at("body").as_string());
  ASSERT_TRUE(body);
  auto record = json::parse(*body);
  EXPECT_EQ(record.at("client").as_string(), std::string(63, 'k'))
      << "cut before the character that has no room";
}

TEST_F(a_till_with_http, takes_the_same_key_for_the_same_thing_over_every_transport) {
  std::string sale =
      R"({"jsonrpc":"2.0","id":1,"method":"sale.record","params":{"idempotency_key":"t-1","total":{"minor":5,"currency":"EUR"}}})";
  auto client = connect();
  client.send(post(port(), token_, sale));
  auto first = client.response();
  ASSERT_TRUE(first);
  auto socket = web_socket(false);
  socket.send_text(sale);
  auto second = socket.next_frame();
  ASSERT_TRUE(second);
  EXPECT_EQ(second->data, first->body);
  tests::line_client line;
  ASSERT_TRUE(line.connect_tcp(shop_->tcp_port));
  ASSERT_TRUE(line.call("session.hello", {{"token", token_}}));
  line.send_raw(sale + "\n");
  EXPECT_EQ(line.read_line(), first->body);
}

TEST_F(a_till_with_http, carries_a_blob_as_it_is_or_as_a_member_and_means_the_same) {
  // The simulated printer does not look at it; that both are the same call shows in the key.
  std::string print =
      R"({"jsonrpc":"2.0","id":1,"method":"printer.print","params":{"idempotency_key":"KEY","document":{"receipt":1,"body":[{"text":"a"}]})";
  auto send = [&](const std::string& type, const std::string& body) {
    http_client client;
    EXPECT_TRUE(client.connect_unix(shop_->socket()));
    client.send("POST /rpc HTTP/1.1\r\nHost: tilld\r\nContent-Type: " + type +
                "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body);
    auto answer = client.response(milliseconds(15'000));
    EXPECT_TRUE(answer);
    return answer ? answer->json() : json::object();
  };
  auto as_member = send("application/json", print + R"(,"blob":"AAEK/w=="}})");
  auto beside = send("application/vnd.tilld.request", print + "}}\n" + std::string("\0\1\n\xff", 4));
  auto other = send("application/vnd.tilld.request", print + "}}\n" + std::string("\0\1\n\xfe", 4));
  EXPECT_EQ(as_member, beside) << json::serialize(as_member) << json::serialize(beside);
  EXPECT_EQ(other.at("error").at("data").at("kind"), "key_conflict") << json::serialize(other);
  auto largest =
      send("application/vnd.tilld.request", R"({"jsonrpc":"2.0","id":1,"method":"org.tilld.simulation.look"})"
                                            "\n" +
                                                std::string(4 << 20, '\n'));
  EXPECT_EQ(largest.count("error"), 0u) << json::serialize(largest);
}

TEST_F(a_till_with_http, tells_whoever_keeps_trying_tokens_to_wait_and_takes_the_right_one_all_the_same) {
  int waits = 0;
  for (int i = 0; i < 30; ++i) {
    auto client = connect();
    client.send(post(port(), "wrong", ping, "Origin: http://localhost:3000\r\n"));
    auto answer = client.response();
    ASSERT_TRUE(answer);
    waits += answer->status == 429;
    if (answer->status == 429) {
      EXPECT_EQ(answer->fields["retry-after"], "60");
    }
  }
  EXPECT_GE(waits, 10);
  auto client = connect();
  client.send(post(port(), page_token_, ping, "Origin: " + page + "\r\n"));
  EXPECT_EQ(client.response().value().status, 200);
}

TEST_F(a_till_with_http, ends_the_connections_of_a_token_that_is_removed) {
  auto admin = shop_->connect(true);
  auto made = admin.call("token.add", {{"role", "till"}, {"origin", page}});
  ASSERT_TRUE(made);
  auto token = token_of(made);
  auto client = connect();
  ASSERT_EQ(client.upgrade(host() + "Origin: " + page + "\r\n").value().status, 101);
  client.send_text(R"({"jsonrpc":"2.0","id":0,"method":"session.hello","params":{"token":")" + token +
                   R"("}})");
  ASSERT_TRUE(client.next_frame());
  ASSERT_TRUE(admin.call("token.remove", {{"id", made->at("result").at("id")}}));
  EXPECT_TRUE(client.hung_up());
  auto again = connect();
  again.send(post(port(), token, ping, "Origin: " + page + "\r\n"));
  EXPECT_EQ(again.response().value().status, 401);
}

TEST_F(a_till_with_http, refuses_a_page_that_something_passes_on_to_the_unix_socket) {
  for (auto path : {shop_->socket(), shop_->admin_socket()}) {
    http_client client;
    ASSERT_TRUE(client.connect_unix(path));
    client.send(post(port(), "", ping, "Origin: " + page + "\r\n"));
    EXPECT_EQ(client.response().value().status, 403);
    ASSERT_TRUE(client.connect_unix(path));
    client.send(post(1, "", ping));
    EXPECT_EQ(client.response().value().status, 200);
  }
}

TEST_F(a_till_with_http, hangs_up_on_those_who_take_their_time) {
  auto began = steady_clock::now();
  auto half_head = connect(), half_body = connect(), half_expected = connect(), silent_socket = connect();
  half_head.send("POST /rpc HTTP/1.1\r\nHo");
  auto request = post(port(), token_, ping);
  half_body.send(request.substr(0, request.size() - 5));
  auto expecting = post(port(), token_, ping, "Expect: 100-continue\r\n");
  half_expected.send(expecting.substr(0, expecting.size() - ping.size()));
  EXPECT_EQ(half_expected.response().value().status, 100);
  half_expected.send(ping.substr(0, 5));
  ASSERT_EQ(silent_socket.upgrade(host()).value().status, 101);
  // An octet a second keeps nobody waiting longer.
  for (int i = 0; i < 8 && half_head.connected(); ++i) {
    half_head.send("x");
    (void)half_head.hung_up(milliseconds(1000));
  }
  EXPECT_FALSE(half_head.connected());
  EXPECT_TRUE(silent_socket.hung_up(seconds(8)));
  EXPECT_TRUE(half_body.hung_up(seconds(15)));
  EXPECT_TRUE(half_expected.hung_up(seconds(15)));
  EXPECT_LT(steady_clock::now() - began, seconds(30));
}

TEST_F(a_till_with_http, closes_a_web_socket_that_breaks_the_rules) {
  struct {
    std::string octets;
    int code;
  } const all[] = {
      {http_client::frame(2, "{}"), 1003},
      {http_client::frame(1, std::string((1 << 20) + 1, 'x')), 1009},
      {std::string("\x81\xff\x7f\xff\xff\xff\xff\xff\xff\xff\x01\x02\x03\x04", 14), 1009},
      {std::string("\x81\x02{}", 4), 1002},                  // not masked
      {std::string("\xf1\x80\x01\x02\x03\x04", 6), 1002},    // reserved bits
      {std::string("\x83\x80\x01\x02\x03\x04", 6), 1002},    // an opcode that there is not
      {http_client::frame(0, "x"), 1002},                    // goes on with nothing
      {http_client::frame(9, std::string(126, 'x')), 1002},  // a ping that is too long
      {http_client::frame(9, "x", false), 1002},             // a ping in parts
      {http_client::frame(1, "{", false) + http_client::frame(1, "}"), 1002},
      {http_client::frame(1, "\xc3\x28"), 1007},
      {http_client::frame(8, "\x03"), 1002},
  };
  for (auto& one : all) {
    SCOPED_TRACE(testing::PrintToString(one.octets.substr(0, 20)));
    auto client = web_socket();
    client.send(one.octets);
    auto frame = client.next_frame();
    ASSERT_TRUE(frame) << "no word about it";
    EXPECT_EQ(frame->opcode, 8);
    EXPECT_EQ(frame->close_code(), one.code);
    // Who does not say goodbye in turn is waited for five seconds.
    EXPECT_TRUE(client.hung_up(seconds(10)));
  }
}

TEST_F(a_till_with_http, lets_nobody_speak_over_web_socket_before_the_right_token) {
  for (std::string first :
       {ping, std::string("GET / HTTP/1.1"),
        R"({"jsonrpc":"2.0","id":1,"method":"session.hello","params":{"token":")" + token_ + R"("}})",
        std::string(R"({"jsonrpc":"2.0","id":1,"method":"session.hello"})")}) {
    auto client = connect();
    ASSERT_EQ(client.upgrade(host() + "Origin: " + page + "\r\n").value().status, 101);
    client.send_text(first);
    client.send_text(ping);
    auto told = client.next_frame();
    ASSERT_TRUE(told);
    EXPECT_NE(told->data.find("\"error\""), std::string::npos);
    auto closed = client.next_frame();
    ASSERT_TRUE(closed);
    EXPECT_EQ(closed->close_code(), 1008);
  }
}

// Reloading a page leaves a call behind each time, and there are 256 places.
TEST_F(a_till_with_http, gives_the_place_of_whoever_hung_up_to_the_next_although_the_call_goes_on) {
  auto admin = shop_->connect(true);
  auto connections = [&] {
    auto status = admin.call("system.status");
    return status ? status->at("result").at("connections").as_int64() : -1;
  };
  auto before = connections();
  auto wait = R"({"jsonrpc":"2.0","id":1,"method":"reader.await","params":{"deadline_ms":60000}})";
  for (bool over_tcp : {true, false}) {
    std::vector<http_client> clients(8);
    for (auto& client : clients) {
      ASSERT_TRUE(over_tcp ? client.connect_tcp(port()) : client.connect_unix(shop_->socket()));
      client.send(post(port(), token_, wait));
    }
    auto until = steady_clock::now() + seconds(10);
    while (connections() < before + 8 && steady_clock::now() < until) continue;
    EXPECT_GE(connections(), before + 8);
    clients.clear();
    while (connections() > before && steady_clock::now() < until) continue;
    EXPECT_LE(connections(), before);
  }
  // Who only says that nothing more comes is answered still, where the kernel can tell.
  http_client half;
  ASSERT_TRUE(half.connect_unix(shop_->socket()));
  half.send(
      post(port(), "", R"({"jsonrpc":"2.0","id":1,"method":"reader.await","params":{"deadline_ms":300}})"));
  ::shutdown(half.descriptor(), SHUT_WR);
  auto answer = half.response();
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 200);
}

TEST(a_till_over_http, is_answered_or_closed_when_the_daemon_stops_and_never_left_waiting) {
  tests::scratch_folder folder;
  tests::shop shop(folder.path());
  shop.plugins_yaml = "  - {name: devices, plugin: simulated}\n";
  shop.start_till();
  http_client idle, waiting, socket;
  ASSERT_TRUE(idle.connect_unix(shop.socket()));
  idle.send(post(1, "", ping));
  ASSERT_TRUE(idle.response());
  ASSERT_TRUE(socket.connect_unix(shop.socket()));
  ASSERT_EQ(socket.upgrade("Host: x\r\n").value().status, 101);
  ASSERT_TRUE(waiting.connect_unix(shop.socket()));
  waiting.send(
      post(1, "", R"({"jsonrpc":"2.0","id":1,"method":"reader.await","params":{"deadline_ms":60000}})"));
  socket.send_text(R"({"jsonrpc":"2.0","id":1,"method":"events.subscribe","params":{"topics":["*"]}})");
  ASSERT_TRUE(socket.next_frame());
  shop.stop_till();
  EXPECT_TRUE(idle.hung_up());
  EXPECT_TRUE(socket.hung_up());
  auto answer = waiting.response();
  if (answer) {
    EXPECT_TRUE(answer->json().contains("error"));
  }
  EXPECT_TRUE(waiting.hung_up());
}
