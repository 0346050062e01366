#include "daemon/server/http_checks.hpp"

#include <gtest/gtest.h>

#include "daemon/server/http_reply.hpp"
#include "daemon/server/token_tries.hpp"

using namespace tilld;
using namespace tilld::daemon;
using goes = http_verdict::goes;

namespace {

const http_door a_port{false,
                       {"127.0.0.1:7701", "localhost:7701", "[::1]:7701"},
                       {"https://till.example", "http://localhost:3000"}};
const http_door a_unix_socket{true, {}, {"https://till.example"}};

// Says which token was asked for and from where; "good" is right for programs, "page" for the page.
token_state tokens(std::string_view token, const std::string& origin) {
  if (token == "often") return token_state::wrong_too_often;
  bool right = origin.empty() ? token == "good" : origin == "https://till.example" && token == "page";
  return right ? token_state::good : token_state::wrong;
}

// A request that a program may make; the map of fields is what a test changes.
struct request {
  std::string line = "POST /rpc HTTP/1.1";
  std::map<std::string, std::string> fields{{"Host", "127.0.0.1:7701"},
                                            {"Content-Type", "application/json"},
                                            {"Content-Length", "40"},
                                            {"Authorization", "Bearer good"}};
  request& with(const std::string& name, const std::string& value) {
    fields[name] = value;
    return *this;
  }
  request& without(const std::string& name) {
    fields.erase(name);
    return *this;
  }
  wire::http_head head() const {
    auto text = line + "\r\n";
    for (auto& [name, value] : fields) text += name + ": " + value + "\r\n";
    auto parsed = wire::parse_http_head(text + "\r\n");
    EXPECT_TRUE(parsed) << text;
    return parsed ? *parsed : wire::http_head();
  }
  http_verdict verdict(const http_door& door = a_port) const { return judge(head(), door, tokens); }
  int status(const http_door& door = a_port) const {
    auto v = verdict(door);
    EXPECT_EQ(v.status == 0, v.where != goes::refused);
    return v.status;
  }
};

request from_page(const std::string& origin = "https://till.example") {
  request r;
  r.with("Origin", origin).with("Authorization", "Bearer page").with("Sec-Fetch-Site", "cross-site");
  return r;
}
request upgrade() {
  request r;
  r.line = "GET /ws HTTP/1.1";
  r.fields = {{"Host", "127.0.0.1:7701"},
              {"Connection", "keep-alive, Upgrade"},
              {"Upgrade", "websocket"},
              {"Sec-WebSocket-Version", "13"},
              {"Sec-WebSocket-Key", "AAAAAAAAAAAAAAAAAAAAAA=="}};
  return r;
}
request get(const std::string& line) {
  request r;
  r.line = line;
  r.fields = {{"Host", "127.0.0.1:7701"}};
  return r;
}

}  // namespace

TEST(http_checks, let_programs_and_allowed_pages_through) {
  EXPECT_EQ(request().verdict().where, goes::call);
  EXPECT_EQ(request().verdict().token, "good");
  auto page = from_page().verdict();
  EXPECT_EQ(page.where, goes::call);
  EXPECT_EQ(page.origin, "https://till.example");
  EXPECT_EQ(upgrade().verdict().where, goes::websocket);
  EXPECT_EQ(upgrade().with("Origin", "http://localhost:3000").verdict().where, goes::websocket);
  EXPECT_EQ(get("GET /health HTTP/1.1").verdict().where, goes::health);
  EXPECT_EQ(get("OPTIONS /rpc HTTP/1.1").with("Origin", "https://till.example").verdict().where,
            goes::preflight);
}

TEST(http_checks, refuse_every_host_but_this_machine_by_its_port) {
  for (auto host : {"127.0.0.1:7701", "localhost:7701", "LOCALHOST:7701", "[::1]:7701"})
    EXPECT_EQ(request().with("Host", host).status(), 0) << host;
  for (auto host : {"evil.example",
                    "evil.example:7701",
                    "127.0.0.1",
                    "localhost",
                    "127.0.0.1:7700",
                    "localhost.:7701",
                    "127.0.0.1.:7701",
                    "127.0.0.1.evil.example:7701",
                    "localhost.evil.example:7701",
                    "7f000001.rbndr.us:7701",
                    "127.1:7701",
                    "0.0.0.0:7701",
                    "2130706433:7701",
                    "[::]:7701",
                    "[::ffff:127.0.0.1]:7701",
                    "",
                    "127.0.0.1:7701:7701",
                    "127.0.0.1:07701",
                    "user@127.0.0.1:7701",
                    "127.0.0.1:7701, evil.example"})
    EXPECT_EQ(request().with("Host", host).status(), 421) << host;
}

TEST(http_checks, refuse_every_origin_that_is_not_allowed_octet_for_octet) {
  for (auto origin : {"null",
                      "",
                      "*",
                      "https://evil.example",
                      "http://till.example",
                      "https://till.example:443",
                      "https://till.example:8443",
                      "https://till.example.",
                      "https://till.example/",
                      "https://TILL.example",
                      "HTTPS://till.example",
                      "https://till.example.evil.example",
                      "https://eviltill.example",
                      "https://sub.till.example",
                      "https://user@till.example",
                      "https://till.example@evil.example",
                      "https://till.example https://evil.example",
                      "https://till.example, https://evil.example",
                      "https://till.example#",
                      "https://till.example\\.evil.example",
                      "http://localhost",
                      "http://localhost:3001",
                      "http://127.0.0.1:7701",
                      "https://t\xc3\xadll.example",
                      "file://"}) {
    EXPECT_EQ(from_page(origin).status(), 403) << origin;
    EXPECT_EQ(upgrade().with("Origin", origin).status(), 403) << origin;
    EXPECT_EQ(get("OPTIONS /rpc HTTP/1.1").with("Origin", origin).status(), 403) << origin;
    EXPECT_EQ(get("GET /health HTTP/1.1").with("Origin", origin).status(), 403) << origin;
    EXPECT_EQ(from_page(origin).verdict().origin, "") << origin;
  }
}

TEST(http_checks, refuse_a_page_of_another_site_that_says_no_origin) {
  for (auto site : {"cross-site", "same-site", "Cross-Site", "?"}) {
    EXPECT_EQ(get("GET /health HTTP/1.1").with("Sec-Fetch-Site", site).status(), 403) << site;
    EXPECT_EQ(request().with("Sec-Fetch-Site", site).status(), 403) << site;
  }
  EXPECT_EQ(get("GET /health HTTP/1.1").with("Sec-Fetch-Site", "none").status(), 0);
}

TEST(http_checks, know_three_paths_and_their_methods) {
  for (auto line : {"GET /rpc HTTP/1.1", "POST /ws HTTP/1.1", "POST /health HTTP/1.1", "PUT /rpc HTTP/1.1",
                    "DELETE /rpc HTTP/1.1", "TRACE /rpc HTTP/1.1", "HEAD /health HTTP/1.1",
                    "post /rpc HTTP/1.1", "PATCH /nothing HTTP/1.1"})
    EXPECT_EQ(get(line).status(), 405) << line;
  for (auto line : {"GET / HTTP/1.1", "POST /rpc/ HTTP/1.1", "POST /RPC HTTP/1.1", "POST //rpc HTTP/1.1",
                    "POST /%72pc HTTP/1.1", "GET /../health HTTP/1.1"})
    EXPECT_EQ(get(line).status(), 404) << line;
}

TEST(http_checks, bound_the_body) {
  EXPECT_EQ(request().without("Content-Length").status(), 411);
  EXPECT_EQ(request().with("Content-Length", "1048576").status(), 0);
  EXPECT_EQ(request().with("Content-Length", "1048577").status(), 413);
  EXPECT_EQ(request().with("Content-Length", "99999999999999999999").status(), 413);
  auto blob =
      request().with("Content-Type", "application/vnd.tilld.request").with("Content-Length", "5242881");
  EXPECT_EQ(blob.status(), 0);
  EXPECT_TRUE(blob.verdict().has_blob);
  EXPECT_EQ(blob.with("Content-Length", "5242882").status(), 413);
  auto chunked = request().without("Content-Length").with("Transfer-Encoding", "chunked").verdict();
  EXPECT_EQ(chunked.where, goes::call);
  EXPECT_EQ(chunked.body_octets_max, 1u << 20);
  EXPECT_EQ(get("GET /health HTTP/1.1").with("Content-Length", "1").status(), 400);
  EXPECT_EQ(upgrade().with("Content-Length", "1").status(), 400);
  EXPECT_EQ(request().with("Expect", "100-continue").status(), 0);
  EXPECT_EQ(request().with("Expect", "a miracle").status(), 417);
}

TEST(http_checks, take_a_token_only_from_where_it_belongs) {
  for (auto value : {"", "Bearer", "Bearer ", "Bearer page", "Bearer  good", "Basic good", "good",
                     "Bearer good "
                     "good",
                     "Bearer GOOD"})
    EXPECT_EQ(request().with("Authorization", value).status(), 401) << value;
  EXPECT_EQ(request().without("Authorization").status(), 401);
  EXPECT_EQ(request().with("Authorization", "bearer good").status(), 0);
  EXPECT_EQ(from_page().with("Authorization", "Bearer good").status(), 401);
  EXPECT_EQ(from_page("http://localhost:3000").status(), 401);
  EXPECT_EQ(request().with("Authorization", "Bearer often").status(), 429);
}

TEST(http_checks, take_json_in_utf_8_only) {
  for (auto type : {"application/json", "Application/JSON", "application/json; charset=utf-8",
                    "application/json;charset=\"UTF-8\"", "application/json;"})
    EXPECT_EQ(request().with("Content-Type", type).status(), 0) << type;
  for (auto type :
       {"text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "",
        "application/json; charset=utf-16", "text/json", "application/json, text/plain", "application/jsonp"})
    EXPECT_EQ(request().with("Content-Type", type).status(), 415) << type;
  EXPECT_EQ(request().without("Content-Type").status(), 415);
}

TEST(http_checks, take_no_other_upgrade) {
  EXPECT_EQ(upgrade().without("Upgrade").status(), 426);
  EXPECT_EQ(upgrade().with("Upgrade", "h2c").status(), 426);
  EXPECT_EQ(upgrade().with("Connection", "keep-alive").status(), 426);
  EXPECT_EQ(upgrade().with("Sec-WebSocket-Version", "8").status(), 426);
  EXPECT_EQ(upgrade().with("Sec-WebSocket-Protocol", "tilld.v2, mqtt").status(), 400);
  EXPECT_EQ(upgrade().with("Sec-WebSocket-Protocol", "tilld.v2, tilld.v1").status(), 0);
}

// Several things are wrong at once; the earlier one decides, so that a stranger learns nothing about the
// later.
TEST(http_checks, come_in_their_order) {
  auto all_wrong = [] {
    request r;
    r.line = "GET /rpc HTTP/1.1";
    r.fields = {{"Host", "evil.example"},
                {"Origin", "https://evil.example"},
                {"Content-Length", "9999999"},
                {"Authorization", "Bearer x"},
                {"Content-Type", "text/plain"}};
    return r;
  };
  auto r = all_wrong();
  EXPECT_EQ(r.status(), 421);
  EXPECT_EQ(r.with("Host", "localhost:7701").status(), 405);
  r.line = "POST /rpc HTTP/1.1";
  EXPECT_EQ(r.status(), 403);
  EXPECT_EQ(r.without("Origin").with("Sec-Fetch-Site", "cross-site").status(), 403);
  EXPECT_EQ(r.without("Sec-Fetch-Site").status(), 413);
  EXPECT_EQ(r.with("Content-Length", "10").status(), 401);
  EXPECT_EQ(r.with("Authorization", "Bearer good").status(), 415);
  EXPECT_EQ(r.with("Content-Type", "application/json").status(), 0);
}

TEST(http_checks, leave_it_to_the_kernel_who_comes_through_a_unix_socket_and_refuse_pages_there) {
  auto r = request().without("Authorization").with("Host", "anything");
  EXPECT_EQ(r.verdict(a_unix_socket).where, goes::call);
  EXPECT_EQ(r.verdict(a_unix_socket).token, "");
  EXPECT_EQ(r.with("Origin", "https://till.example").status(a_unix_socket), 403);
}

TEST(http_reply, tells_only_an_allowed_page_that_it_may_read) {
  auto page = from_page();
  auto text = reply_text({200, "{}", false}, nullptr, page.verdict());
  EXPECT_NE(text.find("\r\nAccess-Control-Allow-Origin: https://till.example\r\n"), text.npos);
  EXPECT_NE(text.find("\r\nVary: Origin\r\n"), text.npos);
  for (auto field : {"X-Content-Type-Options: nosniff", "X-Frame-Options: DENY", "Cache-Control: no-store",
                     "Cross-Origin-Resource-Policy: same-origin",
                     "Content-Security-Policy: default-src 'none'; frame-ancestors 'none'"})
    EXPECT_NE(text.find(field), text.npos) << field;
  EXPECT_EQ(text.find("Credentials"), text.npos);
  for (auto& stranger : {request(), from_page("https://evil.example"), from_page("null")}) {
    auto head = stranger.head();
    EXPECT_EQ(reply_text({200, "{}", false}, &head, stranger.verdict()).find("Access-Control"), text.npos);
  }
}

TEST(http_reply, answers_a_preflight_and_the_question_for_private_networks_only_where_it_is_asked) {
  auto asks = get("OPTIONS /rpc HTTP/1.1").with("Origin", "https://till.example");
  auto head = asks.head();
  auto text = reply_text({204, "", false}, &head, asks.verdict());
  EXPECT_NE(text.find("Access-Control-Allow-Headers: content-type, authorization, x-tilld-client\r\n"),
            text.npos);
  EXPECT_NE(text.find("Access-Control-Max-Age: 600\r\n"), text.npos);
  EXPECT_EQ(text.find("Private-Network"), text.npos);
  EXPECT_EQ(text.find("Content-Length"), text.npos);
  head = asks.with("Access-Control-Request-Private-Network", "true").head();
  text = reply_text({204, "", false}, &head, asks.verdict());
  EXPECT_NE(text.find("Access-Control-Allow-Private-Network: true\r\n"), text.npos);
}

TEST(token_tries, are_counted_for_each_origin_by_itself_and_forgotten_after_a_minute) {
  token_tries tries;
  auto now = token_tries::time_point() + std::chrono::hours(1);
  for (std::size_t i = 0; i < token_tries::tries_max; ++i)
    EXPECT_FALSE(tries.too_many("", now + std::chrono::seconds(i)));
  EXPECT_TRUE(tries.too_many("", now + std::chrono::seconds(30)));
  EXPECT_FALSE(tries.too_many("https://till.example", now + std::chrono::seconds(30)));
  EXPECT_FALSE(tries.too_many("", now + std::chrono::seconds(61)));
}

TEST(http_checks, let_a_client_name_itself_with_text_only) {
  EXPECT_EQ(request().with("X-Tilld-Client", "mytill/4.2").status(), 0);
  EXPECT_EQ(request().with("X-Tilld-Client", "K\xc3\xa4se \xe2\x82\xac \xf0\x9f\x98\x80").status(), 0);
  for (std::string wrong :
       {"ab\xff\xfe", "\xc3", "\xc3(", "\xc0\xaf", "\xed\xa0\x80", "\xf5\x80\x80\x80", "a\tb",
        "a\xc2\x9b"
        "31m"}) {
    EXPECT_EQ(request().with("X-Tilld-Client", wrong).status(), 400) << testing::PrintToString(wrong);
    EXPECT_EQ(request().with("X-Tilld-Client", wrong).status(a_unix_socket), 400);
  }
  EXPECT_EQ(request().with("X-Tilld-Client", "\xff").with("Authorization", "Bearer bad").status(), 401)
      << "who it is comes first";
}
