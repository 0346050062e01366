// Who gets a place when there seems to be none: a till that says who it is, before strangers that say nothing
// and before what clients left behind that are gone.
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <filesystem>
#include <fstream>
#include <set>

#include "tests/hostile/flooded_till.hpp"

using namespace tilld;
using namespace tilld::hostile;
using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;
using tests::http_client;
using tests::line_client;
namespace json = boost::json;

namespace {

const std::string ping = R"({"jsonrpc":"2.0","id":1,"method":"system.ping"})";

std::string await_card(int deadline_ms) {
  return R"({"jsonrpc":"2.0","id":1,"method":"reader.await","params":{"deadline_ms":)" +
         std::to_string(deadline_ms) + "}}";
}

class a_full_till : public a_flooded_till {
 protected:
  a_full_till() { plugins_yaml_ = "  - {name: devices, plugin: simulated}\n"; }
  void SetUp() override {
    a_flooded_till::SetUp();
    admin_ = shop_->connect(true);
    auto made = admin_.call("token.add", {{"role", "till"}});
    token_ = std::string(made.value().at("result").at("token").as_string());
    ASSERT_TRUE(devices_become_ready());
  }

  std::int64_t connections() {
    auto status = admin_.call("system.status");
    return status ? status->at("result").at("connections").as_int64() : -1;
  }
  // Whether there are so many before the deadline.
  template <class Wanted>
  bool come_to(Wanted wanted) {
    auto until = steady_clock::now() + seconds(10);
    while (steady_clock::now() < until)
      if (wanted(connections())) return true;
    return false;
  }
  // A call that is to wait for a device is refused at once as long as that is not there.
  bool devices_become_ready() {
    auto until = steady_clock::now() + seconds(30);
    while (steady_clock::now() < until) {
      auto list = admin_.call("plugin.list");
      auto plugins = list.value().at("result").at("plugins").as_array();
      if (std::all_of(plugins.begin(), plugins.end(), [](auto& p) { return p.at("state") == "ready"; }))
        return true;
      (void)admin_.read_line(milliseconds(30));
    }
    return false;
  }
  // With a key, so that any number of them wait for the same.
  std::string a_print_that_takes_long() {
    json::object fault{{"interface", "tilld.printer/1"}, {"what", "timeout"}, {"count", 2}};
    auto ordered = admin_.call("org.tilld.simulation.fault", fault);
    EXPECT_TRUE(ordered && ordered->contains("result"));
    return R"({"jsonrpc":"2.0","id":1,"method":"printer.print","params":{"idempotency_key":"k",)"
           R"("deadline_ms":60000,"document":{"receipt":1,"body":[{"text":"x"}]}}})";
  }
  bool is_served(line_client& line) {
    auto answer = line.call("system.ping", {}, milliseconds(3000));
    return answer && answer->contains("result");
  }
  line_client signed_on_over_tcp() {
    line_client line;
    EXPECT_TRUE(line.connect_tcp(shop_->tcp_port));
    auto hello = line.call("session.hello", {{"token", token_}});
    EXPECT_TRUE(hello && hello->contains("result"));
    return line;
  }
  std::vector<line_client> strangers(std::size_t count) {
    std::vector<line_client> all(count);
    for (std::size_t i = 0; i < count; ++i)
      EXPECT_TRUE(all[i].connect_tcp(i % 2 == 0 ? shop_->tcp_port : shop_->http_port));
    return all;
  }

  line_client admin_;
  std::string token_;
};

}  // namespace

TEST_F(a_full_till, has_a_place_for_whoever_says_who_it_is_before_all_strangers) {
  auto early = signed_on_over_tcp();
  auto silent = strangers(300);
  EXPECT_TRUE(come_to([](auto n) { return n >= 64; }));
  // Beside the neighbour, the one who asks and the one who signed on.
  EXPECT_TRUE(come_to([](auto n) { return n <= 64 + 3; }));
  auto late = signed_on_over_tcp();
  // With the four that are there: as many as there are places.
  std::vector<line_client> tills(252);
  for (std::size_t i = 0; i < tills.size(); ++i) {
    ASSERT_TRUE(tills[i].connect_unix(shop_->socket()));
    ASSERT_TRUE(is_served(tills[i])) << i;
  }
  auto more = strangers(100);
  EXPECT_TRUE(is_served(early));
  EXPECT_TRUE(is_served(late));
  EXPECT_TRUE(is_served(tills.front()));
  auto one_too_many = shop_->connect();
  EXPECT_FALSE(is_served(one_too_many));
  EXPECT_TRUE(connections() <= 256);
}

TEST_F(a_full_till, lets_no_stranger_stay_by_asking_for_its_health) {
  http_client asks;
  ASSERT_TRUE(asks.connect_tcp(shop_->http_port));
  asks.send("GET /health HTTP/1.1\r\nHost: 127.0.0.1:" + std::to_string(shop_->http_port) + "\r\n\r\n");
  EXPECT_EQ(asks.response().value().status, 200);
  auto silent = strangers(64);
  EXPECT_TRUE(asks.hung_up());
}

TEST_F(a_full_till, gives_the_place_of_whoever_is_gone_to_the_next_although_the_call_goes_on) {
  auto print = a_print_that_takes_long();
  auto before = connections();
  auto post = tests::post(shop_->http_port, token_, print);
  struct {
    std::string name, first, then;
    bool over_tcp;
  } const all[] = {
      {"lines", print + "\n", "", false},
      {"lines, in the middle of the next", print + "\n", "{\"json", false},
      {"LSP framing", "Content-Length: " + std::to_string(print.size()) + "\r\n\r\n" + print, "", false},
      {"HTTP with the next sent ahead", post, "POST", true},
      {"HTTP on the Unix socket with the next sent ahead", post, "POST", false},
  };
  for (auto& one : all) {
    SCOPED_TRACE(one.name);
    std::vector<line_client> clients(8);
    for (auto& client : clients) {
      ASSERT_TRUE(one.over_tcp ? client.connect_tcp(shop_->http_port) : client.connect_unix(shop_->socket()));
      client.send_raw(one.first);
    }
    EXPECT_TRUE(come_to([&](auto n) { return n >= before + 8; }));
    for (auto& client : clients) client.send_raw(one.then);
    (void)connections();
    clients.clear();
    EXPECT_TRUE(come_to([&](auto n) { return n <= before; }));
  }
}

TEST_F(a_full_till, answers_whoever_has_said_all_and_still_listens) {
  for (bool over_tcp : {false, true}) {
    auto client = over_tcp ? signed_on_over_tcp() : shop_->connect();
    client.send_raw(await_card(300) + "\n" + ping + "\n");
    ::shutdown(client.descriptor(), SHUT_WR);
    EXPECT_TRUE(client.read_line()) << "the quick one";
    auto slow = client.read_line();
    ASSERT_TRUE(slow);
    EXPECT_NE(slow->find("\"error\""), slow->npos);
    EXPECT_FALSE(client.read_line());
    EXPECT_FALSE(client.connected());
  }
}

// Over TCP one that listens and one that died look alike, so both stay until somebody needs the place.
TEST_F(a_full_till, gives_up_those_who_said_all_for_those_who_still_speak) {
  auto print = a_print_that_takes_long();
  std::vector<line_client> ended(254);
  for (auto& client : ended) {
    client = signed_on_over_tcp();
    client.send_raw(print + "\n");
    ::shutdown(client.descriptor(), SHUT_WR);
  }
  EXPECT_EQ(connections(), 256);
  for (int i = 0; i < 5; ++i) {
    auto till = shop_->connect();
    EXPECT_TRUE(is_served(till));
    auto other = signed_on_over_tcp();
    EXPECT_TRUE(is_served(other));
  }
  EXPECT_TRUE(ended.front().read_line(milliseconds(1000)) == std::nullopt && !ended.front().connected());
  EXPECT_TRUE(ended.back().read_line(milliseconds(100)) == std::nullopt && ended.back().connected());
}

TEST_F(a_full_till, takes_nobody_for_an_intruder_when_no_file_can_be_opened) {
  const std::string complaint = "no file can be opened";
  auto log = [&] {
    std::ifstream file(shop_->till_log());
    return std::string((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  };
  // So low that ten more can be opened; what is open stays so.
  std::set<std::string> open;
  auto folder = "/proc/" + std::to_string(shop_->till().id()) + "/fd";
  for (auto& entry : std::filesystem::directory_iterator(folder))
    open.insert(entry.path().filename().string());
  rlim_t end = 0;
  for (int left = 10; left > 0; ++end) left -= open.count(std::to_string(end)) == 0;
  rlimit before{};
  ASSERT_EQ(::prlimit(shop_->till().id(), RLIMIT_NOFILE, nullptr, &before), 0);
  rlimit few = before;
  few.rlim_cur = end;
  ASSERT_EQ(::prlimit(shop_->till().id(), RLIMIT_NOFILE, &few, nullptr), 0);
  {
    std::vector<line_client> tills(40);
    for (auto& till : tills) {
      ASSERT_TRUE(till.connect_unix(shop_->socket()));
      till.send_raw(ping + "\n");
    }
    for (int i = 0; i < 9; ++i) EXPECT_TRUE(tills[static_cast<std::size_t>(i)].read_line()) << i;
    auto until = steady_clock::now() + seconds(10);
    while (log().find(complaint) == std::string::npos && steady_clock::now() < until) continue;
  }
  auto after = shop_->connect();
  EXPECT_TRUE(is_served(after)) << "once there is room again";
  auto all = log();
  EXPECT_EQ(all.find("comes from a plugin"), all.npos) << all;
  auto said = all.find(complaint);
  EXPECT_NE(said, all.npos) << all;
  EXPECT_EQ(all.find(complaint, said + 1), all.npos) << "once";
  ASSERT_EQ(::prlimit(shop_->till().id(), RLIMIT_NOFILE, &before, nullptr), 0);
}
