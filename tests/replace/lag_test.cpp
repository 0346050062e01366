// A server that takes nothing is shown and told of, while the other one goes on.
#include <gtest/gtest.h>

#include <boost/json.hpp>

#include "base/file.hpp"
#include "tests/support/scratch.hpp"
#include "tests/support/shop.hpp"

namespace tilld::tests {
namespace {

namespace json = boost::json;

class lagging_server : public testing::Test {
 protected:
  void SetUp() override {
    shop_.more_yaml = "alarm: {waiting_records: 4, waiting_minutes: 60}\n";
    shop_.add_central("ledger");
    shop_.add_central("witness", "witness");
    shop_.start_central("ledger");
    shop_.start_till();
  }
  void sell(int count) {
    auto client = shop_.connect();
    for (int i = 0; i < count; ++i) {
      auto sold = client.call("sale.record", {{"idempotency_key", "sale-" + std::to_string(++sales_)},
                                              {"total", {{"minor", 100}, {"currency", "EUR"}}}});
      ASSERT_TRUE(sold && sold->contains("result"));
    }
  }
  bool lags(const std::string& destination) {
    auto status = shop_.connect().call("queue.status");
    if (status)
      for (auto& d : status->at("result").at("destinations").as_array())
        if (d.at("name").as_string() == destination) return d.at("lagging").as_bool();
    ADD_FAILURE() << "no destination " << destination;
    return false;
  }
  bool is_a_problem() {
    auto status = shop_.connect().call("system.status");
    return status &&
           json::serialize(status->at("result").at("problems")).find("records wait, the oldest for") !=
               std::string::npos;
  }
  // Waits for a line of the log.
  bool says(const std::string& sentence) {
    auto until = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    auto client = shop_.connect();
    while (std::chrono::steady_clock::now() < until) {
      auto log = base::read_file(shop_.till_log());
      if (log && base::as_text(*log).find(sentence) != std::string_view::npos) return true;
      (void)client.read_line(std::chrono::milliseconds(20));
    }
    return false;
  }

  scratch_folder folder_;
  shop shop_{folder_.path()};
  int sales_ = 0;
};

TEST_F(lagging_server, is_shown_and_told_of_until_it_has_caught_up) {
  EXPECT_FALSE(lags("witness"));
  EXPECT_FALSE(is_a_problem());
  sell(6);
  ASSERT_TRUE(shop_.wait_drained("ledger"));
  EXPECT_TRUE(lags("witness"));
  EXPECT_FALSE(lags("ledger"));
  EXPECT_TRUE(is_a_problem());
  EXPECT_TRUE(says("A destination lags behind"));
  shop_.start_central("witness");
  ASSERT_TRUE(shop_.wait_drained("witness"));
  EXPECT_FALSE(lags("witness"));
  EXPECT_FALSE(is_a_problem());
  EXPECT_TRUE(says("A destination has caught up"));
}

}  // namespace
}  // namespace tilld::tests
