// Who keeps a place: whoever still listens, and not what clients left behind that are gone.
#include <gtest/gtest.h>
#include <sys/socket.h>

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
  // With a key, so that any number of them wait for the same.
  std::string a_print_that_takes_long() {
    json::object fault{{"interface", "tilld.printer/1"}, {"what", "timeout"}, {"count", 2}};
    auto ordered = admin_.call("org.tilld.simulation.fault", fault);
    EXPECT_TRUE(ordered && ordered->contains("result"));
    return R"({"jsonrpc":"2.0","id":1,"method":"printer.print","params":{"idempotency_key":"k",)"
           R"("deadline_ms":60000,"document":{"receipt":1,"body":[{"text":"x"}]}}})";
  }
  line_client signed_on_over_tcp() {
    line_client line;
    EXPECT_TRUE(line.connect_tcp(shop_->tcp_port));
    auto hello = line.call("session.hello", {{"token", token_}});
    EXPECT_TRUE(hello && hello->contains("result"));
    return line;
  }
  line_client admin_;
  std::string token_;
};

}  // namespace

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
