// A well-behaved till against a daemon that fails on purpose: what docs/chaos.md tells a till maker to do is
// enough.
#include <gtest/gtest.h>

#include <map>

#include <boost/json.hpp>

#include "tests/support/scratch.hpp"
#include "tests/support/shop.hpp"
#include "wire/base64.hpp"

namespace {

namespace json = boost::json;
using namespace tilld;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr auto patience = std::chrono::seconds(120);

// The loop of docs/chaos.md: the same key until there is an answer that says what became of it.
class patient_till {
 public:
  explicit patient_till(const tests::shop& shop) : shop_(shop) {}

  json::object call(const std::string& method, const json::object& params) {
    auto until = steady_clock::now() + patience;
    while (steady_clock::now() < until) {
      if (!line_.connected()) line_ = shop_.connect();
      auto answer = line_.call(method, params);
      if (!answer) {
        ++hung_up_;
        line_.close();
        continue;
      }
      EXPECT_EQ(answer->at("chaos"), true);
      if (auto* result = answer->if_contains("result")) return result->as_object();
      auto kind = std::string(answer->at("error").at("data").at("kind").as_string());
      ++refused_[kind];
      // The device is being started again, or nobody knows what it did: asked again, it says so.
      (void)line_.read_line(milliseconds(30));
    }
    ADD_FAILURE() << method << " came to nothing";
    return {};
  }
  std::size_t hung_up() const { return hung_up_; }
  std::size_t refused(const std::string& kind) const {
    auto at = refused_.find(kind);
    return at == refused_.end() ? 0 : at->second;
  }

 private:
  const tests::shop& shop_;
  tests::line_client line_;
  std::size_t hung_up_ = 0;
  std::map<std::string, std::size_t> refused_;
};

class a_till_with_chaos : public testing::Test {
 protected:
  void SetUp() override {
    shop_.plugins_yaml = "  - {name: devices, plugin: simulated}\n";
    shop_.till_arguments = {"--chaos", "7"};
    shop_.start_till();
  }
  json::object ask_admin(const std::string& method, const json::object& params = {}) {
    auto answer = shop_.connect(true).call(method, params);
    EXPECT_TRUE(answer && answer->contains("result"));
    return answer && answer->contains("result") ? answer->at("result").as_object() : json::object();
  }

  tests::scratch_folder folder_;
  tests::shop shop_{folder_.path()};
};

}  // namespace

TEST_F(a_till_with_chaos, says_so_in_hello_in_status_and_beside_each_answer) {
  auto till = shop_.connect();
  auto hello = till.call("session.hello");
  ASSERT_TRUE(hello);
  EXPECT_EQ(hello->at("result").at("chaos").at("seed"), 7);
  EXPECT_EQ(hello->at("chaos"), true);
  auto wrong = till.call("no.such.method");
  ASSERT_TRUE(wrong);
  EXPECT_EQ(wrong->at("chaos"), true);
  auto status = ask_admin("system.status");
  EXPECT_EQ(status.at("state"), "degraded");
  EXPECT_EQ(status.at("chaos").at("seed"), 7);
}

TEST_F(a_till_with_chaos, loses_and_doubles_nothing_for_a_client_that_repeats_with_its_keys) {
  constexpr int sales = 120, prints = 60;
  patient_till till(shop_);
  std::map<std::string, std::string> told;
  for (int i = 0; i < sales; ++i) {
    auto key = "sale-" + std::to_string(i);
    auto result = till.call("sale.record",
                            {{"idempotency_key", key}, {"total", {{"minor", 100 + i}, {"currency", "EUR"}}}});
    ASSERT_TRUE(result.contains("hash"));
    told[key] = std::string(result.at("hash").as_string());
  }
  for (int i = 0; i < prints; ++i) {
    json::object document{{"receipt", 1}, {"body", json::array{{{"text", "print " + std::to_string(i)}}}}};
    till.call("printer.print",
              {{"idempotency_key", "print-" + std::to_string(i)}, {"document", std::move(document)}});
  }
  // It was a bad day indeed.
  EXPECT_GT(till.hung_up(), 5u);
  auto happened = ask_admin("system.status").at("chaos").as_object();
  EXPECT_GT(happened.at("closed_before").to_number<int>(), 0);
  EXPECT_GT(happened.at("closed_after").to_number<int>(), 0);
  EXPECT_GT(happened.at("killed").to_number<int>(), 0);
  EXPECT_GT(happened.at("answers_lost").to_number<int>(), 0);

  // The same daemon without chaos shows what is there.
  shop_.stop_till();
  shop_.till_arguments = {};
  shop_.start_till();
  std::map<std::string, int> recorded;
  for (std::uint64_t from = 1;;) {
    auto page = ask_admin("journal.read", {{"from", from}, {"limit", 500}}).at("records").as_array();
    if (page.empty()) break;
    from += page.size();
    for (auto& r : page) {
      if (r.at("kind").as_string() != "sale") continue;
      auto body = json::parse(wire::from_base64(std::string_view(r.at("body").as_string())).value());
      auto key = std::string(body.at("sale").at("idempotency_key").as_string());
      ++recorded[key];
      EXPECT_EQ(told[key], r.at("hash").as_string()) << key;
    }
  }
  EXPECT_EQ(recorded.size(), static_cast<std::size_t>(sales));
  for (auto& [key, times] : recorded) EXPECT_EQ(times, 1) << key;
  EXPECT_EQ(ask_admin("journal.verify").at("whole"), true);
  // Each was told to be printed, so each came out, and none of them twice.
  json::object look;
  for (auto until = steady_clock::now() + patience;
       steady_clock::now() < until && !look.contains("printed");) {
    auto admin = shop_.connect(true);
    auto answer = admin.call("org.tilld.simulation.look", {{"device", "devices"}});
    if (answer && answer->contains("result"))
      look = answer->at("result").as_object();
    else
      (void)admin.read_line(milliseconds(30));
  }
  EXPECT_EQ(look.at("printed").to_number<int>(), prints);
}
