#include "daemon/server/session.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/json.hpp>

#include "base/file.hpp"
#include "tests/support/scratch.hpp"

using namespace tilld;
using namespace tilld::daemon;
using std::chrono::milliseconds;
using std::chrono::steady_clock;
namespace asio = boost::asio;
namespace json = boost::json;

namespace {

constexpr auto patience = std::chrono::seconds(20);

method test_method(const char* name, role_set allowed = anyone) {
  return {.name = name,
          .summary = "For the test",
          .allowed = allowed,
          .params = base::shape::object({}),
          .result = base::shape::object({})};
}

// The parts that a session needs, with methods of the test's own, and the other end of its socket.
class a_session : public ::testing::Test {
 protected:
  void SetUp() override {
    store::options how;
    how.folder = folder_.path();
    how.till = settings_.till = "till-1";
    how.where = store::options::threads::always_io_thread;
    auto opened = store::open(io_.get_executor(), clock_, how);
    ASSERT_TRUE(opened);
    journal_ = std::move(*opened);
    care_ = std::make_unique<storage_care>(io_.get_executor(), *journal_, clock_, storage_care::settings());
    auto key = base::signing_key::load_or_create(folder_.file("device.key"));
    ASSERT_TRUE(key);
    key_ = std::make_unique<base::signing_key>(std::move(*key));
    keyed_ = std::make_unique<keyed_calls>(io_.get_executor(), *journal_, clock_, base::byte_string(32, 1));
    plugins_ = std::make_unique<plugin_set>(io_.get_executor(), clock_, host_settings{}, events_);
    parts_.reset(new till_parts{io_.get_executor(), settings_, clock_, *journal_, *care_, events_, *plugins_,
                                claims_, *keyed_, methods_, tokens_, *key_, destinations_, "boot",
                                clock_.now(), [] { return std::size_t(1); }});
    add_session_calls(methods_, parts_.get());
    add_event_calls(methods_, parts_.get());
    add_cancel_calls(methods_, parts_.get());
    release_ = std::make_unique<asio::steady_timer>(io_.get_executor(), steady_clock::time_point::max());
    auto wait = [this](call c) -> asio::awaitable<wire::answer> {
      ++waiting_;
      boost::system::error_code ignored;
      co_await release_->async_wait(asio::redirect_error(asio::use_awaitable, ignored));
      --waiting_;
      json::object reply{{"n", c.params.contains("n") ? c.params.at("n") : json::value()}};
      co_return wire::make_result(reply);
    };
    methods_.add(test_method("test.wait"), slow_call(wait));
    methods_.add(test_method("test.large"), [](const call& c) {
      return wire::make_result({{"text", std::string(c.params.at("size").to_number<std::size_t>(), 'x')}});
    });
    auto broken = [](call) -> asio::awaitable<wire::answer> {
      throw std::runtime_error("a bug");
      co_return wire::answer{};
    };
    methods_.add(test_method("test.throws"), slow_call(broken));
    methods_.add(test_method("test.admin", admins), [](const call&) { return wire::make_result({}); });
  }
  void TearDown() override {
    for (int fd : fds_) ::close(fd);
    if (release_) release_->cancel();
    turn([&] { return memory_.count() == 0; });
  }

  // A connection; returns the client's end.
  int open(const std::string& principal = "unix:1000", role r = role::till,
           session::http_taker to_http = nullptr) {
    int ends[2];
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    ::fcntl(ends[1], F_SETFL, O_NONBLOCK);
    fds_.push_back(ends[1]);
    asio::local::stream_protocol::socket mine(io_, asio::local::stream_protocol(), ends[0]);
    auto who = std::make_shared<caller>();
    who->principal = principal;
    who->acts_as = r;
    who->connection = ++connections_;
    auto one = std::make_shared<session>(session::socket(std::move(mine)), who, *parts_, memory_,
                                         std::move(to_http));
    // On the loop, as the listener does it: the session keeps itself alive from its first statement on.
    asio::post(io_, [this, one = std::move(one)] { asio::co_spawn(io_, one->run(), asio::detached); });
    return ends[1];
  }

  template <class Until>
  bool turn(Until until) {
    auto end = steady_clock::now() + patience;
    while (!until()) {
      if (steady_clock::now() > end) return false;
      io_.restart();
      io_.run_one_for(milliseconds(5));
    }
    return true;
  }
  // Runs what is ready, so that something that should not happen had its chance.
  void settle() {
    for (int i = 0; i < 50; ++i) {
      io_.restart();
      io_.poll();
    }
  }

  void say(int fd, std::string_view octets) {
    while (!octets.empty()) {
      auto n = ::send(fd, octets.data(), octets.size(), MSG_NOSIGNAL);
      if (n > 0)
        octets.remove_prefix(static_cast<std::size_t>(n));
      else if (errno != EAGAIN)
        return;
      settle();
    }
  }
  void ask(int fd, int id, const std::string& method, const std::string& params = "{}") {
    say(fd, R"({"jsonrpc":"2.0","id":)" + std::to_string(id) + R"(,"method":")" + method + R"(","params":)" +
                params + "}\n");
  }
  // The next line, or nothing when the session closed.
  std::optional<std::string> hear(int fd) {
    auto& inbox = inboxes_[fd];
    bool closed = false;
    turn([&] {
      char chunk[65536];
      for (;;) {
        auto n = ::recv(fd, chunk, sizeof chunk, MSG_DONTWAIT);
        if (n > 0) inbox.append(chunk, static_cast<std::size_t>(n));
        if (n == 0 || (n < 0 && errno != EAGAIN)) closed = true;
        if (n <= 0) break;
      }
      return closed || inbox.find('\n') != std::string::npos;
    });
    auto end = inbox.find('\n');
    if (end == std::string::npos) return std::nullopt;
    auto line = inbox.substr(0, end);
    inbox.erase(0, end + 1);
    return line;
  }
  json::value hear_json(int fd) {
    auto line = hear(fd);
    EXPECT_TRUE(line) << "the session closed";
    return line ? json::parse(*line) : json::value(json::object());
  }
  std::string kind(const json::value& answer) {
    auto* e = answer.is_object() ? answer.as_object().if_contains("error") : nullptr;
    return e ? std::string(e->at("data").at("kind").as_string()) : "";
  }

  tests::scratch_folder folder_;
  asio::io_context io_;
  base::test_clock clock_;
  config settings_;
  event_hub events_{clock_};
  router methods_;
  token_book tokens_;
  std::unique_ptr<storage_care> care_;
  std::unique_ptr<store> journal_;
  std::unique_ptr<base::signing_key> key_;
  std::unique_ptr<keyed_calls> keyed_;
  std::unique_ptr<plugin_set> plugins_;
  std::vector<std::unique_ptr<forwarder>> destinations_;
  claim_desk claims_{io_.get_executor(), clock_, events_};
  std::unique_ptr<till_parts> parts_;
  connection_memory memory_{connection_memory_max, calls_memory_max};
  std::unique_ptr<asio::steady_timer> release_;
  int waiting_ = 0;
  std::uint64_t connections_ = 0;
  std::vector<int> fds_;
  std::map<int, std::string> inboxes_;
};

}  // namespace

TEST_F(a_session, answers_requests_that_came_together_in_their_order) {
  int fd = open();
  std::string all;
  for (int i = 0; i < 100; ++i)
    all += R"({"jsonrpc":"2.0","id":)" + std::to_string(i) +
           R"(,"method":"system.ping"})"
           "\n";
  say(fd, all);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(hear_json(fd).at("id").as_int64(), i);
}

TEST_F(a_session, reads_a_request_that_comes_octet_by_octet) {
  int fd = open();
  for (char c : std::string(R"({"jsonrpc":"2.0","id":"x","method":"system.ping","params":{"echo":"ü"}})"
                            "\r\n"))
    say(fd, std::string_view(&c, 1));
  EXPECT_EQ(hear_json(fd).at("result").at("echo").as_string(), "ü");
}

TEST_F(a_session, says_what_is_wrong_and_goes_on) {
  int fd = open();
  struct {
    const char* line;
    const char* kind;
  } bad[] = {{"nonsense", "parse_error"},
             {"[]", "invalid_request"},
             {"42", "invalid_request"},
             {R"({"jsonrpc":"1.0","id":1,"method":"system.ping"})", "invalid_request"},
             {R"({"jsonrpc":"2.0","id":1.5,"method":"system.ping"})", "invalid_request"},
             {R"({"jsonrpc":"2.0","id":1,"method":7})", "invalid_request"},
             {R"({"jsonrpc":"2.0","id":1,"method":"system.ping","params":[1]})", "invalid_request"},
             {R"({"jsonrpc":"2.0","id":1,"method":"no.such"})", "unknown_method"},
             {R"({"jsonrpc":"2.0","id":1,"method":"test.admin"})", "forbidden"},
             {"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"\xff\"}", "parse_error"}};
  for (auto& b : bad) {
    say(fd, std::string(b.line) + "\n");
    EXPECT_EQ(kind(hear_json(fd)), b.kind) << b.line;
  }
  ask(fd, 7, "system.ping");
  EXPECT_EQ(hear_json(fd).at("id").as_int64(), 7);
}

TEST_F(a_session, does_nothing_for_a_request_without_an_id) {
  int fd = open();
  say(fd, R"({"jsonrpc":"2.0","method":"test.wait"})"
          "\n");
  ask(fd, 1, "system.ping");
  EXPECT_EQ(hear_json(fd).at("id").as_int64(), 1);
  EXPECT_EQ(waiting_, 0);
}

TEST_F(a_session, has_at_most_32_calls_in_hand_and_leaves_further_lines_unread) {
  int fd = open();
  for (int i = 0; i < 40; ++i) ask(fd, i, "test.wait");
  ASSERT_TRUE(turn([&] { return waiting_ == 32; }));
  settle();
  EXPECT_EQ(waiting_, 32);
  // Others are not held up.
  int other = open();
  ask(other, 1, "system.ping");
  EXPECT_EQ(hear_json(other).at("id").as_int64(), 1);
  std::set<std::int64_t> answered;
  for (int turns = 0; turns < 4; ++turns) {
    release_->cancel();
    settle();
  }
  for (int i = 0; i < 40; ++i) answered.insert(hear_json(fd).at("id").as_int64());
  EXPECT_EQ(answered.size(), 40u);
}

TEST_F(a_session, closes_after_a_line_that_is_too_long_and_says_why) {
  int fd = open();
  say(fd, std::string(wire::line_size_max + 10, 'x'));
  EXPECT_EQ(kind(hear_json(fd)), "message_too_large");
  EXPECT_FALSE(hear(fd));
}

TEST_F(a_session, makes_an_exception_of_a_call_an_internal_error_without_its_words) {
  int fd = open();
  ask(fd, 1, "test.throws");
  auto answer = hear_json(fd);
  EXPECT_EQ(kind(answer), "internal");
  EXPECT_EQ(json::serialize(answer).find("a bug"), std::string::npos);
}

TEST_F(a_session, lets_a_stranger_say_hello_and_nothing_else_first) {
  int fd = open("", role::read);
  ask(fd, 1, "system.ping");
  EXPECT_EQ(kind(hear_json(fd)), "hello_required");
  EXPECT_FALSE(hear(fd));
  int browser = open("", role::read);
  say(browser, "GET / HTTP/1.1\r\nHost: 127.0.0.1:7700\r\n\r\n");
  EXPECT_EQ(kind(hear_json(browser)), "parse_error");
  EXPECT_FALSE(hear(browser));
  int wrong = open("", role::read);
  ask(wrong, 1, "session.hello", R"({"token":"wrong"})");
  EXPECT_EQ(kind(hear_json(wrong)), "unauthenticated");
  EXPECT_FALSE(hear(wrong));
}

TEST_F(a_session, takes_the_role_of_a_token) {
  auto made = token_book::make(role::till, "", 0);
  tokens_.add(made.row);
  int fd = open("", role::read);
  ask(fd, 1, "session.hello", R"({"token":")" + std::string(made.token.reveal()) + R"("})");
  auto hello = hear_json(fd);
  EXPECT_EQ(hello.at("result").at("principal").as_string(), "token:" + made.row.id);
  EXPECT_EQ(hello.at("result").at("role").as_string(), "till");
  ask(fd, 2, "system.ping");
  EXPECT_EQ(hear_json(fd).at("id").as_int64(), 2);
}

TEST_F(a_session, answers_whoever_has_said_all_and_still_listens) {
  int fd = open();
  ask(fd, 1, "test.wait");
  ASSERT_TRUE(turn([&] { return waiting_ == 1; }));
  ::shutdown(fd, SHUT_WR);
  settle();
  release_->cancel();
  EXPECT_EQ(hear_json(fd).at("id").as_int64(), 1);
  EXPECT_FALSE(hear(fd));
}

TEST_F(a_session, carries_a_call_to_its_end_although_the_caller_is_gone) {
  int fd = open();
  ask(fd, 1, "test.wait");
  ASSERT_TRUE(turn([&] { return waiting_ == 1; }));
  fds_.clear();
  ::close(fd);
  settle();
  EXPECT_EQ(waiting_, 1);
  release_->cancel();
  ASSERT_TRUE(turn([&] { return waiting_ == 0 && memory_.count() == 0; }));
}

TEST_F(a_session, has_room_for_a_few_large_requests_in_hand_and_always_for_small_ones) {
  int fd = open();
  auto large = R"({"x":")" + std::string(1'000'000, 'x') + R"("})";
  for (int i = 0; i < 6; ++i) ask(fd, i, "test.wait", large);
  // Who keeps all of one has its share with it; the others are told at once.
  for (int i = 0; i < 5; ++i) EXPECT_EQ(kind(hear_json(fd)), "busy");
  ask(fd, 6, "test.wait", R"({"x":1})");
  ASSERT_TRUE(turn([&] { return waiting_ == 2; }));
  release_->cancel();
  for (int i = 0; i < 2; ++i) EXPECT_EQ(kind(hear_json(fd)), "");
  ask(fd, 7, "test.wait", large);
  ASSERT_TRUE(turn([&] { return waiting_ == 1; }));
  release_->cancel();
  EXPECT_EQ(hear_json(fd).at("id").as_int64(), 7);
}

TEST_F(a_session, gives_others_their_turn_while_one_says_a_lot) {
  int talker = open(), other = open();
  std::string many;
  for (int i = 0; i < 200; ++i)
    many += R"({"jsonrpc":"2.0","id":1,"method":"test.busy"})"
            "\n";
  int done = 0;
  methods_.add(test_method("test.busy"), [&](const call&) {
    auto until = steady_clock::now() + std::chrono::microseconds(300);
    while (steady_clock::now() < until) continue;
    ++done;
    return wire::make_result({});
  });
  ASSERT_EQ(::send(talker, many.data(), many.size(), MSG_NOSIGNAL), static_cast<ssize_t>(many.size()));
  ASSERT_TRUE(turn([&] { return done > 0; }));
  std::string ping = R"({"jsonrpc":"2.0","id":2,"method":"system.ping"})"
                     "\n";
  ASSERT_EQ(::send(other, ping.data(), ping.size(), MSG_NOSIGNAL), static_cast<ssize_t>(ping.size()));
  EXPECT_EQ(hear_json(other).at("id").as_int64(), 2);
  EXPECT_LT(done, 50);
  ASSERT_TRUE(turn([&] { return done == 200; }));
}

TEST_F(a_session, says_goodbye) {
  int fd = open();
  ask(fd, 1, "session.bye");
  EXPECT_EQ(hear_json(fd).at("id").as_int64(), 1);
  EXPECT_FALSE(hear(fd));
}

TEST_F(a_session, stops_reading_from_whoever_does_not_read_and_keeps_what_it_holds_bounded) {
  int fd = open();
  std::string many;
  for (int i = 0; i < 400; ++i)
    many += R"({"jsonrpc":"2.0","id":1,"method":"test.large","params":{"size":50000}})"
            "\n";
  std::string_view left = many;
  auto end = steady_clock::now() + patience;
  std::size_t most = 0;
  // Until the session takes no more: its own buffer and the kernel's are full.
  for (int quiet = 0; quiet < 20 && !left.empty() && steady_clock::now() < end;) {
    auto n = ::send(fd, left.data(), left.size(), MSG_NOSIGNAL);
    quiet = n > 0 ? 0 : quiet + 1;
    if (n > 0) left.remove_prefix(static_cast<std::size_t>(n));
    settle();
    most = std::max(most, memory_.total());
  }
  EXPECT_LT(most, 3u << 20);
  // It was not closed for that: whoever reads again is answered.
  for (int i = 0; i < 400; ++i) {
    ASSERT_TRUE(hear(fd)) << i;
    if (!left.empty()) {
      auto n = ::send(fd, left.data(), left.size(), MSG_NOSIGNAL);
      if (n > 0) left.remove_prefix(static_cast<std::size_t>(n));
    }
  }
}

TEST_F(a_session, tells_events_later_to_whoever_reads_slowly) {
  int fd = open();
  ask(fd, 1, "events.subscribe", R"({"topics":["scanner"]})");
  EXPECT_TRUE(hear_json(fd).at("result").as_object().contains("subscription"));
  auto data = R"({"text":")" + std::string(10'000, 'x') + R"("})";
  for (int i = 0; i < 100; ++i) events_.publish("scanner.scanned", "one", data);
  EXPECT_LT(memory_.total(), 1u << 20);
  for (std::uint64_t i = 1; i <= 100; ++i)
    ASSERT_EQ(hear_json(fd).at("params").at("number").to_number<std::uint64_t>(), i);
}

TEST_F(a_session, drops_events_for_whoever_does_not_read_and_says_which) {
  int fd = open(), reader = open();
  for (int one : {fd, reader}) {
    ask(one, 1, "events.subscribe", R"({"topics":["scanner"]})");
    EXPECT_TRUE(hear_json(one).at("result").as_object().contains("subscription"));
  }
  auto data = R"({"text":")" + std::string(10'000, 'x') + R"("})";
  int heard = 0;
  for (int i = 0; i < 600; ++i) {
    events_.publish("scanner.scanned", "one", data);
    heard += hear_json(reader).at("params").at("topic").as_string() == "scanner.scanned";
  }
  EXPECT_EQ(heard, 600);
  EXPECT_LT(memory_.total(), 1u << 20);
  // Nothing needs to happen for it to be told: it comes as soon as there is room.
  std::uint64_t got = 0, dropped = 0, last = 0;
  while (got + dropped < 600) {
    auto line = hear_json(fd);
    auto& params = line.at("params");
    if (line.at("method").as_string() == "events.dropped") {
      dropped += params.at("count").to_number<std::uint64_t>();
      EXPECT_EQ(params.at("from").to_number<std::uint64_t>(), last + 1);
      last = params.at("to").to_number<std::uint64_t>();
    } else {
      ++got;
      EXPECT_EQ(params.at("number").to_number<std::uint64_t>(), ++last);
    }
  }
  EXPECT_GT(dropped, 0u);
  EXPECT_EQ(got + dropped, 600u);
  EXPECT_EQ(last, 600u);
}

TEST_F(a_session, says_whether_what_shall_be_cancelled_is_in_hand) {
  int fd = open();
  ask(fd, 1, "test.wait", R"({"n":1})");
  turn([&] { return waiting_ == 1; });
  ask(fd, 2, "rpc.cancel", R"({"id":1})");
  EXPECT_TRUE(hear_json(fd).at("result").at("in_hand").as_bool());
  ask(fd, 3, "$/cancelRequest", R"({"id":7})");
  EXPECT_FALSE(hear_json(fd).at("result").at("in_hand").as_bool());
  ask(fd, 4, "rpc.cancel", R"({"id":[]})");
  EXPECT_EQ(hear_json(fd).at("error").at("data").at("kind").as_string(), "invalid_params");
  // What cannot be cancelled answers as if nobody had asked.
  release_->cancel();
  auto answer = hear_json(fd);
  EXPECT_EQ(answer.at("id").as_int64(), 1);
  EXPECT_TRUE(answer.as_object().contains("result"));
}

namespace {

std::string framed(const std::string& text) {
  std::string out;
  wire::append_lsp_message(out, text);
  return out;
}

session::http_taker nobody() {
  return [](session::socket, std::shared_ptr<caller>, std::string) { FAIL() << "this is no HTTP"; };
}

}  // namespace

TEST_F(a_session, speaks_lsp_framing_to_whoever_begins_with_it) {
  int fd = open("unix:1000", role::till, nobody());
  auto ping = [](int id) {
    return framed(R"({"jsonrpc":"2.0","id":)" + std::to_string(id) + R"(,"method":"system.ping"})");
  };
  auto all = ping(1) + ping(2) + framed("what?") + ping(3);
  for (char c : all) say(fd, std::string_view(&c, 1));
  // Answers as they came, each behind its header: the lines are the header's, and the texts have none.
  std::string come;
  ASSERT_TRUE(turn([&] {
    char chunk[4096];
    auto n = ::recv(fd, chunk, sizeof chunk, MSG_DONTWAIT);
    if (n > 0) come.append(chunk, static_cast<std::size_t>(n));
    return come.find("\"id\":3") != come.npos && come.ends_with("}");
  }));
  wire::lsp_splitter answers;
  answers.feed(come);
  for (auto expected : {"1", "2", "null", "3"}) {
    auto one = answers.next();
    ASSERT_TRUE(one && *one);
    EXPECT_EQ(json::serialize(json::parse(**one).at("id")), expected);
  }
}

TEST_F(a_session, ends_after_an_lsp_header_that_cannot_be_read) {
  for (std::string bad :
       {"CONNECT example.org:443 HTTP/1.1\r\nHost: x\r\n\r\n", "Content-Length: 9999999\r\n\r\n"}) {
    int fd = open("unix:1000", role::till, nobody());
    say(fd, bad);
    ASSERT_TRUE(hear(fd)) << bad;
    ASSERT_TRUE(turn([&] {
      char chunk[4096];
      return ::recv(fd, chunk, sizeof chunk, MSG_DONTWAIT) == 0;
    })) << bad;
  }
}

TEST_F(a_session, takes_everything_that_does_not_begin_with_a_capital_letter_for_lines) {
  for (std::string begin : {" ", "\t", "\n", "\r\n"}) {
    int fd = open("unix:1000", role::till, nobody());
    say(fd, begin);
    ask(fd, 1, "system.ping");
    EXPECT_EQ(hear_json(fd).at("id").as_int64(), 1) << begin;
  }
  for (std::string begin : {"[1]\n", "what?\n", "\x16\x03\x01\n", "\xef\xbb\xbf{}\n"}) {
    int fd = open("unix:1000", role::till, nobody());
    say(fd, begin);
    auto answer = hear_json(fd);
    EXPECT_NE(kind(answer), "") << begin;
    ask(fd, 1, "system.ping");
    EXPECT_EQ(hear_json(fd).at("id").as_int64(), 1) << begin;
  }
}

TEST_F(a_session, hands_over_what_is_http_with_all_that_was_read) {
  for (std::string begin : {"POST /rpc HTTP/1.1\r\nHost", "GET /", "O"}) {
    std::string taken, principal;
    std::optional<session::socket> kept;
    int fd =
        open("unix:77", role::till, [&](session::socket s, std::shared_ptr<caller> who, std::string octets) {
          taken = octets;
          principal = who->principal;
          kept.emplace(std::move(s));
        });
    say(fd, begin);
    ASSERT_TRUE(turn([&] { return kept.has_value(); }));
    EXPECT_EQ(taken, begin);
    EXPECT_EQ(principal, "unix:77");
    settle();
    // The session is gone, the connection is not.
    EXPECT_EQ(memory_.count(), 0u);
    EXPECT_TRUE(kept->is_open());
    char octet;
    EXPECT_EQ(::recv(fd, &octet, 1, MSG_DONTWAIT), -1);
  }
}

TEST_F(a_session, takes_no_token_of_a_page_on_lines) {
  auto made = token_book::make(role::till, "", 0, "https://till.example");
  tokens_.add(made.row);
  int fd = open("", role::read);
  ask(fd, 1, "session.hello", R"({"token":")" + std::string(made.token.reveal()) + R"("})");
  EXPECT_EQ(kind(hear_json(fd)), "unauthenticated");
  EXPECT_FALSE(hear(fd));
  EXPECT_TRUE(tokens_.find(made.token.reveal(), "https://till.example"));
  EXPECT_FALSE(tokens_.find(made.token.reveal(), "https://other.example"));
}
