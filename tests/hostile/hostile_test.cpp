// What hostile and broken clients are answered: a clear error or a close, and nothing that anybody else
// notices. How long others wait meanwhile is printed by tilld-hostile-campaign; here only whether they are
// answered.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <fstream>
#include <set>
#include <thread>

#include "tests/hostile/attacks.hpp"
#include "tests/hostile/neighbour.hpp"
#include "tests/support/scratch.hpp"

using namespace tilld;
using namespace tilld::hostile;
using std::chrono::milliseconds;
using std::chrono::steady_clock;
using tests::line_client;
namespace json = boost::json;

namespace {

#ifdef TILLD_SANITIZED
constexpr bool memory_is_measured = false;  // a sanitizer keeps what was freed
#else
constexpr bool memory_is_measured = true;
#endif
constexpr std::size_t memory_max = 64 << 20;

std::string kind_of(const std::optional<json::object>& answer) {
  if (!answer) return "no answer";
  auto* e = answer->if_contains("error");
  return e ? std::string(e->at("data").at("kind").as_string()) : "";
}
std::string kind_of_line(const std::optional<std::string>& line) {
  return line ? kind_of(json::parse(*line).as_object()) : "no answer";
}

// One daemon for all tests of this file: whatever one of them leaves behind, the next must not notice.
class a_till_under_attack : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder_ = new tests::scratch_folder;
    shop_ = new tests::shop(folder_->path());
    shop_->tcp_port = tests::free_port();
    shop_->http_port = tests::free_port();
    shop_->plugins_yaml = "  - {name: devices, plugin: simulated}\n";
    shop_->start_till();
    daemon_ = shop_->till().id();
    honest_ = new neighbour(shop_->socket());
    (void)honest_->ping(100);
    idle_ = resident_octets(daemon_);
  }
  static void TearDownTestSuite() {
    delete honest_;
    shop_->stop_till();
    delete shop_;
    delete folder_;
  }
  void TearDown() override {
    EXPECT_EQ(honest_->ping(20).unanswered, 0u) << "the neighbour noticed";
    EXPECT_EQ(::kill(daemon_, 0), 0) << "the daemon is gone";
    if (memory_is_measured) {
      EXPECT_LT(resident_octets(daemon_), idle_ + memory_max);
    }
  }

  static line_client connect() { return shop_->connect(); }
  static line_client connect_tcp() {
    line_client line;
    EXPECT_TRUE(line.connect_tcp(shop_->tcp_port));
    return line;
  }
  static std::optional<std::string> say(const std::string& line) {
    auto client = connect();
    client.send_raw(line + "\n");
    return client.read_line();
  }
  // Whether the other side hangs up before the deadline.
  static bool is_closed(line_client& client, milliseconds at_most = milliseconds(5000)) {
    auto until = steady_clock::now() + at_most;
    while (client.connected() && steady_clock::now() < until) (void)client.read_line(milliseconds(50));
    return !client.connected();
  }

  static tests::scratch_folder* folder_;
  static tests::shop* shop_;
  static neighbour* honest_;
  static pid_t daemon_;
  static std::size_t idle_;
};
tests::scratch_folder* a_till_under_attack::folder_ = nullptr;
tests::shop* a_till_under_attack::shop_ = nullptr;
neighbour* a_till_under_attack::honest_ = nullptr;
pid_t a_till_under_attack::daemon_ = 0;
std::size_t a_till_under_attack::idle_ = 0;

}  // namespace

TEST_F(a_till_under_attack, answers_everything_that_is_no_request_with_what_is_wrong) {
  const std::string deep(50'000, '['),
      nul =
          R"({"jsonrpc":"2.0","id":1,"method":"system.ping","params":{"a":")" + std::string(1, 0) + R"("}})";
  struct {
    std::string line, kind;
  } all[] = {{"hello", "parse_error"},
             {"{", "parse_error"},
             {"{}", "invalid_request"},
             {"null", "invalid_request"},
             {"[]", "invalid_request"},
             {R"([{"jsonrpc":"2.0","id":1,"method":"system.ping"}])", "invalid_request"},
             {"\xff\xfe\xfd", "parse_error"},
             {"\xef\xbb\xbf{}", "parse_error"},
             {"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"\xc3\x28\"}", "parse_error"},
             {R"({"jsonrpc":"2.0","id":1,"method":"\ud800"})", "parse_error"},
             {"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"a\tb\"}", "parse_error"},
             {nul, "parse_error"},
             {std::string("\0\0\0", 3), "parse_error"},
             {deep, "parse_error"},
             {R"({"jsonrpc":"2.0","id":1,"method":"system.ping","params":)" + deep + "}", "parse_error"},
             {R"({"jsonrpc":"2.0","id":[1],"method":"system.ping"})", "invalid_request"},
             {R"({"jsonrpc":"2.0","id":")" + std::string(5000, 'i') + R"(","method":"system.ping"})",
              "invalid_request"},
             {R"({"jsonrpc":"2.0","id":1,"method":"","params":{}})", "invalid_request"},
             {R"({"jsonrpc":"2.0","id":1,"method":")" + std::string(5000, 'm') + R"("})", "invalid_request"},
             {R"({"jsonrpc":"2.0","id":1,"method":"system.ping","params":[]})", "invalid_request"},
             {R"({"jsonrpc":"2.0","id":1,"method":"system.ping","params":"x"})", "invalid_request"},
             {R"({"jsonrpc":2.0,"id":1,"method":"system.ping"})", "invalid_request"}};
  for (auto& one : all) {
    auto answer = say(one.line);
    EXPECT_EQ(kind_of_line(answer), one.kind) << one.line.substr(0, 100);
    if (answer) {
      EXPECT_LT(answer->size(), 2000u);
    }
  }
}

TEST_F(a_till_under_attack, goes_on_with_the_same_connection_after_nonsense) {
  auto client = connect();
  for (int i = 0; i < 500; ++i) client.send_raw("nonsense\n\n\r\n");
  for (int i = 0; i < 500; ++i) ASSERT_EQ(kind_of_line(client.read_line()), "parse_error");
  EXPECT_EQ(kind_of(client.call("system.ping")), "");
}

TEST_F(a_till_under_attack, knows_no_method_that_it_does_not_have) {
  for (const std::string method :
       {"system", "system.", ".ping", "system.ping ", "System.Ping", "system.ping\\u0000", "rpc.exec",
        "printer.print.print", "tilld.printer/1.print", "tilld.instance/1.stop", "tilld.state/1.get",
        "state.get", "journal.append", "central.call", "../journal.db", "a.b.c.d.e.f",
        "org.tilld.simulation.nothing", "org.tilld.simulation/1.scan"}) {
    auto answer = say(R"({"jsonrpc":"2.0","id":1,"method":")" + method + R"(","params":{}})");
    EXPECT_EQ(kind_of_line(answer), "unknown_method") << method;
  }
}

// Every method with every nasty value in every member that any of them knows.
TEST_F(a_till_under_attack, has_a_clear_answer_for_every_wrong_value_in_every_member_of_every_method) {
  const std::vector<std::string> methods{"session.hello",
                                         "system.ping",
                                         "system.status",
                                         "queue.status",
                                         "events.subscribe",
                                         "events.unsubscribe",
                                         "sale.record",
                                         "operation.get",
                                         "operation.unknown",
                                         "operation.resolve",
                                         "journal.head",
                                         "journal.read",
                                         "journal.verify",
                                         "plugin.list",
                                         "plugin.restart",
                                         "device.list",
                                         "token.add",
                                         "token.remove",
                                         "token.list",
                                         "scanner.enable",
                                         "reader.await",
                                         "printer.print",
                                         "printer.outcome",
                                         "printer.open_drawer",
                                         "printer.status",
                                         "printer.render",
                                         "display.show",
                                         "display.clear",
                                         "tender.authorize",
                                         "tender.capture",
                                         "tender.release",
                                         "tender.reverse",
                                         "tender.outcome",
                                         "customer.identify",
                                         "org.tilld.simulation.scan",
                                         "org.tilld.simulation.present_card",
                                         "org.tilld.simulation.remove_card",
                                         "org.tilld.simulation.fault",
                                         "org.tilld.simulation.look"};
  const std::vector<std::string> members{"idempotency_key",
                                         "total",
                                         "lines",
                                         "tenders",
                                         "kind",
                                         "receipt_number",
                                         "discounts",
                                         "customer",
                                         "operator",
                                         "order",
                                         "original",
                                         "started_at",
                                         "extra",
                                         "operation_id",
                                         "method",
                                         "outcome",
                                         "reason",
                                         "from",
                                         "limit",
                                         "topics",
                                         "subscription",
                                         "name",
                                         "role",
                                         "note",
                                         "id",
                                         "device",
                                         "deadline_ms",
                                         "blob",
                                         "document",
                                         "slots",
                                         "format",
                                         "on",
                                         "lines",
                                         "amount",
                                         "hold",
                                         "uid",
                                         "reference",
                                         "proof",
                                         "code",
                                         "text",
                                         "symbology",
                                         "technology",
                                         "security_level",
                                         "interface",
                                         "what",
                                         "count",
                                         "protocol",
                                         "client",
                                         "language",
                                         "token",
                                         "echo",
                                         "at_least",
                                         "no_such_member"};
  const std::string long_text = "\"" + std::string(20'000, 'A') + "\"";
  const std::vector<std::string> values{"null",
                                        "true",
                                        "0",
                                        "-1",
                                        "1.5",
                                        "1e300",
                                        "9223372036854775807",
                                        "18446744073709551615",
                                        "-9223372036854775808",
                                        R"("")",
                                        R"("\u0000")",
                                        R"("%s%n%p")",
                                        R"("../../../../etc/passwd")",
                                        R"("'; DROP TABLE journal; --")",
                                        R"("\u202e\ud83d\ude00")",
                                        long_text,
                                        "[]",
                                        "{}",
                                        "[[[[[[[[[[]]]]]]]]]]",
                                        R"([{"minor":1,"currency":"EUR"},null])",
                                        R"({"minor":1.0,"currency":"EUR"})",
                                        R"({"minor":9007199254740993,"currency":"EUR"})",
                                        R"({"":{"":{"":[]}}})"};
  std::vector<std::string> lines;
  for (auto& method : methods)
    for (auto& member : members)
      for (auto& value : values) {
        // Whoever waits for a card waits shortly; the rest is as wrong as it comes.
        std::string patient = member == "deadline_ms" ? "" : R"("deadline_ms":1,)";
        if (method == "reader.await" && member == "deadline_ms" &&
            (value == "null" || value == "9223372036854775807"))
          continue;
        lines.push_back(R"({"jsonrpc":"2.0","id":)" + std::to_string(lines.size()) + R"(,"method":")" +
                        method + R"(","params":{)" + patient + R"("idempotency_key":"n)" +
                        std::to_string(lines.size()) + R"(",")" + member + R"(":)" + value + "}}");
      }
  auto client = shop_->connect(true);
  std::size_t sent = 0, answered = 0, results = 0;
  std::map<std::string, std::size_t> kinds;
  auto until = steady_clock::now() + std::chrono::seconds(120);
  while (answered < lines.size() && steady_clock::now() < until) {
    while (sent < lines.size() && sent - answered < 24) ASSERT_TRUE(client.send_raw(lines[sent++] + "\n"));
    auto line = client.read_line(milliseconds(15'000));
    ASSERT_TRUE(line) << "after " << answered << " answers; the oldest may be "
                      << lines[answered].substr(0, 200);
    auto answer = json::parse(*line).as_object();
    if (answer.contains("method")) continue;  // an event: a subscription was well-formed
    ++answered;
    auto kind = kind_of(answer);
    if (kind.empty()) ++results;
    ++kinds[kind];
    auto asked = answer.at("id").is_int64()
                     ? lines[static_cast<std::size_t>(answer.at("id").as_int64())].substr(0, 200)
                     : *line;
    EXPECT_NE(kind, "internal") << asked;
    EXPECT_NE(kind, "plugin_crashed") << asked;
    if (!kind.empty()) {
      EXPECT_LT(line->size(), 3000u) << asked;
      EXPECT_FALSE(answer.at("error").at("data").at("user_message").as_string().empty()) << asked;
    }
  }
  EXPECT_EQ(answered, lines.size());
  EXPECT_GT(kinds["invalid_params"], lines.size() / 4);
  RecordProperty("calls", static_cast<int>(lines.size()));
  auto verified = shop_->connect(true).call("journal.verify", {}, milliseconds(60'000));
  EXPECT_TRUE(verified->at("result").at("whole").as_bool());
}

TEST_F(a_till_under_attack, takes_no_member_twice_where_value_moves) {
  auto ask = [&](const std::string& params) {
    return kind_of_line(say(R"({"jsonrpc":"2.0","id":1,"method":"sale.record","params":)" + params + "}"));
  };
  EXPECT_EQ(
      ask(R"({"idempotency_key":"d","total":{"minor":1,"currency":"EUR"},"total":{"minor":100,"currency":"EUR"}})"),
      "invalid_params");
  EXPECT_EQ(ask(R"({"idempotency_key":"d","total":{"minor":1,"minor":100,"currency":"EUR"}})"),
            "invalid_params");
  EXPECT_EQ(ask(R"({"idempotency_key":"d","total":{"minor":1,"currency":"EUR"}})"), "")
      << "its key was not bound";
}

TEST_F(a_till_under_attack, ends_a_line_that_does_not_end) {
  auto client = connect();
  client.send_raw(std::string((1 << 20) + 1, 'x'));
  EXPECT_EQ(kind_of_line(client.read_line()), "message_too_large");
  EXPECT_TRUE(is_closed(client));
  auto longest = connect();
  auto line = R"({"jsonrpc":"2.0","id":1,"method":"system.ping","params":{"x":")";
  longest.send_raw(line + std::string((1 << 20) - std::strlen(line) - 3, 'x') + "\"}}\n");
  EXPECT_EQ(kind_of_line(longest.read_line()), "") << "a line of exactly one mebibyte";
}

TEST_F(a_till_under_attack, takes_what_is_left_of_a_client_that_died_in_the_middle_of_a_line) {
  for (int i = 0; i < 300; ++i) {
    auto client = connect();
    client.send_raw(
        R"({"jsonrpc":"2.0","id":1,"method":"sale.record","params":{"idempotency_key":"half","total":{"minor":1,"cur)");
  }
  auto status = connect().call("operation.get", {{"method", "sale.record"}, {"idempotency_key", "half"}});
  EXPECT_EQ(kind_of(status), "operation_not_found");
}

TEST_F(a_till_under_attack, answers_ten_thousand_requests_that_came_at_once_in_their_order) {
  auto client = connect();
  std::thread writer([&] {
    std::string all;
    for (int i = 0; i < 10'000; ++i)
      all += R"({"jsonrpc":"2.0","id":)" + std::to_string(i) +
             R"(,"method":"system.ping"})"
             "\n";
    client.send_raw(all);
  });
  int in_order = 0;
  for (int i = 0; i < 10'000; ++i) {
    auto line = client.read_line(milliseconds(10'000));
    if (!line || !line->starts_with(R"({"jsonrpc":"2.0","id":)" + std::to_string(i) + ",")) break;
    ++in_order;
  }
  writer.join();
  EXPECT_EQ(in_order, 10'000);
}

TEST_F(a_till_under_attack, has_256_connections_and_tells_the_next_that_it_is_busy) {
  auto status = connect().call("system.status");
  std::vector<line_client> all;
  std::size_t served = 0, busy = 0;
  for (int i = 0; i < 300; ++i) {
    auto& c = all.emplace_back();
    ASSERT_TRUE(c.connect_unix(shop_->socket()));
    c.send_raw(R"({"jsonrpc":"2.0","id":1,"method":"system.ping"})"
               "\n");
    auto kind = kind_of_line(c.read_line());
    if (kind.empty()) ++served;
    if (kind == "busy") {
      ++busy;
      EXPECT_TRUE(is_closed(c));
    }
  }
  EXPECT_GE(served, 254u);  // beside the neighbour and, for a moment, the one who asked for the status
  EXPECT_LE(served, 255u);
  EXPECT_EQ(served + busy, 300u);
  all.clear();
  auto until = steady_clock::now() + std::chrono::seconds(10);
  // Who is told that it is busy is told so before the question, and closed.
  std::string kind = "no answer";
  while (kind == "no answer" && steady_clock::now() < until) kind = kind_of(connect().call("system.ping"));
  EXPECT_EQ(kind, "");
}

TEST_F(a_till_under_attack, lets_nobody_in_on_tcp_without_a_token) {
  struct {
    std::string words, kind;
  } all[] = {{"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", "parse_error"},
             {"POST /rpc HTTP/1.1\r\nHost: evil.example\r\nContent-Length: 2\r\n\r\n{}", "parse_error"},
             {"\x16\x03\x01\x02\x01\x01\x01\xfc\x03\x03\n", "parse_error"},
             {R"({"jsonrpc":"2.0","id":1,"method":"system.ping"})"
              "\n",
              "hello_required"},
             {R"({"jsonrpc":"2.0","id":1,"method":"sale.record","params":{}})"
              "\n",
              "hello_required"},
             {R"({"jsonrpc":"2.0","id":1,"method":"session.hello"})"
              "\n",
              "unauthenticated"},
             {R"({"jsonrpc":"2.0","id":1,"method":"session.hello","params":{"token":"0123456789abcdef"}})"
              "\n",
              "unauthenticated"},
             {R"({"jsonrpc":"2.0","id":1,"method":"session.hello","params":{"token":["x"]}})"
              "\n",
              "invalid_params"},
             {R"({"jsonrpc":"2.0","id":1,"method":"session.hello","params":{"token":""}})"
              "\n",
              "unauthenticated"}};
  for (auto& one : all) {
    auto client = connect_tcp();
    // What comes behind the first line is not even read.
    client.send_raw(one.words);
    EXPECT_EQ(kind_of_line(client.read_line()), one.kind) << one.words;
    EXPECT_TRUE(is_closed(client)) << one.words;
  }
  auto silent = connect_tcp();
  EXPECT_FALSE(is_closed(silent, milliseconds(1000)));
  EXPECT_TRUE(is_closed(silent, milliseconds(9000))) << "five seconds are enough to say hello";
  auto made = shop_->connect(true).call("token.add", {{"role", "till"}});
  auto client = connect_tcp();
  EXPECT_EQ(kind_of(client.call("session.hello", {{"token", made->at("result").at("token")}})), "");
  EXPECT_EQ(kind_of(client.call("plugin.restart", {{"name", "devices"}})), "forbidden");
  EXPECT_EQ(kind_of(client.call("token.list")), "forbidden");
}

namespace {

// What another user of this machine gets: 0 connected and role till, 1 connected and something else, or 100 +
// errno.
int as_nobody(const std::string& path, const std::string& request, const std::string& expected) {
  auto pid = ::fork();
  if (pid == 0) {
    if (::setgid(65534) != 0 || ::setuid(65534) != 0) ::_exit(99);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
    int fd = ::socket(AF_UNIX, SOCK_STREAM, 0);
    if (::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) ::_exit(100 + errno);
    if (::send(fd, request.data(), request.size(), MSG_NOSIGNAL) < 0) ::_exit(2);
    char text[8192];
    std::size_t size = 0;
    pollfd p{fd, POLLIN, 0};
    while (size<sizeof text&& ::poll(&p, 1, 5000)> 0) {
      auto n = ::recv(fd, text + size, sizeof text - size, 0);
      if (n <= 0) break;
      size += static_cast<std::size_t>(n);
      if (std::memchr(text, '\n', size)) break;
    }
    if (size == 0) ::_exit(3);
    ::_exit(std::string_view(text, size).find(expected) != std::string_view::npos ? 0 : 1);
  }
  int status = 0;
  ::waitpid(pid, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 98;
}

}  // namespace

TEST_F(a_till_under_attack, lets_another_user_of_the_machine_do_what_the_socket_allows_and_never_administer) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can become somebody else";
  struct stat found {};
  ASSERT_EQ(::stat(shop_->socket().c_str(), &found), 0);
  EXPECT_EQ(found.st_mode & 0777, 0660u);
  ASSERT_EQ(::stat(shop_->admin_socket().c_str(), &found), 0);
  EXPECT_EQ(found.st_mode & 0777, 0600u);
  const std::string hello = R"({"jsonrpc":"2.0","id":1,"method":"session.hello"})"
                            "\n";
  const std::string tokens = R"({"jsonrpc":"2.0","id":1,"method":"token.list"})"
                             "\n";
  ::chmod(folder_->path().c_str(), 0755);  // so that only the sockets' own modes decide
  EXPECT_EQ(as_nobody(shop_->socket(), hello, ""), 100 + EACCES);
  EXPECT_EQ(as_nobody(shop_->admin_socket(), hello, ""), 100 + EACCES);
  // Somebody was careless with the modes: the daemon still knows who comes.
  ::chmod(shop_->socket().c_str(), 0666);
  ::chmod(shop_->admin_socket().c_str(), 0666);
  EXPECT_EQ(as_nobody(shop_->socket(), hello, R"("role":"till")"), 0);
  EXPECT_EQ(as_nobody(shop_->socket(), tokens, R"("kind":"forbidden")"), 0);
  auto closed_without_a_word = as_nobody(shop_->admin_socket(), hello, "");
  EXPECT_TRUE(closed_without_a_word == 2 || closed_without_a_word == 3) << closed_without_a_word;
  ::chmod(shop_->socket().c_str(), 0660);
  ::chmod(shop_->admin_socket().c_str(), 0600);
}

TEST_F(a_till_under_attack, answers_its_neighbours_and_stays_small_whatever_goes_on) {
  for (auto& a : attacks()) {
    std::atomic<bool> stop = false;
    std::thread attacker([&] { a.run(*shop_, stop); });
    std::size_t most = 0, unanswered = 0;
    for (int i = 0; i < 20; ++i) {
      unanswered += honest_->ping(10).unanswered;
      most = std::max(most, resident_octets(daemon_));
    }
    stop = true;
    attacker.join();
    EXPECT_EQ(unanswered, 0u) << a.name;
    if (memory_is_measured) {
      EXPECT_LT(most, idle_ + memory_max) << a.name;
    }
  }
}

TEST(a_till, stops_in_order_with_calls_in_hand_and_clients_that_do_not_read) {
  tests::scratch_folder folder;
  tests::shop shop(folder.path());
  shop.plugins_yaml = "  - {name: devices, plugin: simulated}\n";
  shop.start_till();
  auto waiting = shop.connect(), deaf = shop.connect(), half = shop.connect();
  auto id = waiting.send("reader.await", {{"deadline_ms", 60'000}});
  half.send_raw(R"({"jsonrpc":"2.0")");
  for (int i = 0; i < 200; ++i)
    deaf.send_raw(R"({"jsonrpc":"2.0","id":1,"method":"system.status"})"
                  "\n");
  EXPECT_EQ(kind_of(half.connected() ? shop.connect().call("system.ping") : std::nullopt), "");
  shop.stop_till();
  // Told that it came to nothing, or closed; never left waiting.
  auto answer = waiting.answer(id, milliseconds(1000));
  EXPECT_NE(kind_of(answer), "");
  (void)waiting.read_line(milliseconds(1000));
  EXPECT_FALSE(waiting.connected());
}

TEST(a_till, starts_although_what_its_predecessor_left_behind_holds_the_door_for_a_moment) {
  tests::scratch_folder folder;
  tests::shop shop(folder.path());
  shop.start_till();
  shop.stop_till();
  // As a child of a killed daemon does that has not yet become a plugin host.
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, shop.socket().c_str(), sizeof address.sun_path - 1);
  int door = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  ASSERT_EQ(::bind(door, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  ASSERT_EQ(::listen(door, 8), 0);
  tests::process::how how;
  how.arguments = {"--config", shop.config_file()};
  how.log = shop.till_log();
  shop.till() = tests::process(tests::program_path("tilld"), how);
  pollfd knock{door, POLLIN, 0};
  ASSERT_EQ(::poll(&knock, 1, 15'000), 1) << "it looks whether somebody is there";
  ::close(door);
  EXPECT_EQ(kind_of(shop.connect().call("system.ping")), "");
  shop.stop_till();
}

TEST(a_till, does_not_start_beside_another_daemon_on_its_socket) {
  tests::scratch_folder folder;
  tests::shop first(folder.file("first"));
  first.start_till();
  std::ofstream(folder.file("second.yaml"))
      << "till: {id: till-2, branch: main, merchant: demo}\nstate: " << folder.file("second")
      << "\nlisten: {unix: " << first.socket() << ", admin: " << folder.file("admin.sock") << "}\n";
  tests::process::how how;
  how.arguments = {"--config", folder.file("second.yaml")};
  how.log = folder.file("second.log");
  tests::process second(tests::program_path("tilld"), how);
  EXPECT_EQ(second.wait(milliseconds(15'000)), 1);
  EXPECT_EQ(kind_of(first.connect().call("system.ping")), "");
  first.stop_till();
}
