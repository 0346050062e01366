// A till that hangs up, comes back and misses nothing.
#include "tests/two_tills/two_tills.hpp"

namespace tilld::tests {
namespace {

class resuming : public two_tills {
 protected:
  static json::object since(const json::object& subscribed) {
    return {{"since", {{"boot", subscribed.at("boot")}, {"number", subscribed.at("number")}}}};
  }
};

}  // namespace

// mission: D1
TEST_F(resuming, gets_what_it_missed_in_order_and_then_what_happens) {
  auto first = subscribe(one_, {"scanner"});
  EXPECT_EQ(first.at("boot"), hello_.at("boot"));
  one_.close();
  for (int i = 0; i < 5; ++i) scan(std::to_string(i));
  auto back = sign_on(token_1_);
  auto again = subscribe(back, {"scanner"}, since(first));
  EXPECT_FALSE(again.contains("restarted"));
  EXPECT_FALSE(again.contains("missed"));
  scan("live");
  auto last = first.at("number").to_number<std::uint64_t>();
  for (int i = 0; i < 5; ++i) {
    auto e = back.next_event("scanner.scanned");
    ASSERT_TRUE(e);
    EXPECT_EQ(text_of(e->at("data").at("text")), std::to_string(i));
    EXPECT_TRUE(e->contains("missed"));
    EXPECT_GT(e->at("number").to_number<std::uint64_t>(), last);
    last = e->at("number").to_number<std::uint64_t>();
  }
  auto live = back.next_event("scanner.scanned");
  ASSERT_TRUE(live);
  EXPECT_FALSE(live->contains("missed"));
}

TEST_F(resuming, is_told_that_the_daemon_restarted_and_gets_the_state_and_what_came_since) {
  auto first = subscribe(one_, {"scanner"});
  scan("before");
  shop_.stop_till();
  shop_.start_till();
  wait_until_ready();
  admin_ = shop_.connect(true);
  scan("after");
  auto back = sign_on(token_1_);
  auto again = subscribe(back, {"scanner", "plugins"}, since(first));
  EXPECT_TRUE(again.at("restarted").as_bool());
  EXPECT_NE(again.at("boot"), first.at("boot"));
  EXPECT_TRUE(again.at("state").at("devices").is_array());
  EXPECT_EQ(next_scan(back), "after");
}

TEST_F(resuming, is_told_which_events_are_not_kept_any_more) {
  auto first = subscribe(one_, {"scanner"});
  auto text = std::string(60'000, 'x');
  for (int i = 0; i < 60; ++i) scan(text);
  auto back = sign_on(token_1_);
  auto again = subscribe(back, {"scanner"}, since(first));
  auto& missed = again.at("missed").as_object();
  EXPECT_EQ(missed.at("from").to_number<std::uint64_t>(), first.at("number").to_number<std::uint64_t>() + 1);
  auto e = back.next_event("scanner.scanned");
  ASSERT_TRUE(e);
  EXPECT_EQ(e->at("number").to_number<std::uint64_t>(), missed.at("to").to_number<std::uint64_t>() + 1);
}

TEST_F(resuming, hears_no_scans_of_the_past_either_when_it_may_only_read) {
  auto reader = sign_on(make_token("read"));
  auto first = subscribe(reader, {"*"});
  scan("secret");
  result_of(admin_.call("org.tilld.simulation.present_card", {{"uid", "04A1B2"}}));
  auto again = sign_on(make_token("read"));
  subscribe(again, {"*"}, since(first));
  EXPECT_TRUE(heard_nothing(again, "scanner.scanned"));
  EXPECT_TRUE(heard_nothing(again, "reader.presented"));
}

TEST_F(resuming, refuses_a_place_that_makes_no_sense) {
  auto boot = hello_.at("boot");
  auto kind = [&](json::value since) {
    return kind_of(one_.call("events.subscribe", {{"topics", {"*"}}, {"since", since}}));
  };
  EXPECT_EQ(kind(17), "invalid_params");
  EXPECT_EQ(kind(json::object{{"boot", boot}}), "invalid_params");
  EXPECT_EQ(kind(json::object{{"number", 1}}), "invalid_params");
  EXPECT_EQ(kind(json::object{{"boot", boot}, {"number", 1'000'000}}), "invalid_params") << "not yet";
  EXPECT_EQ(kind(json::object{{"boot", "another"}, {"number", 1'000'000}}), "result");
  EXPECT_EQ(kind(json::object{{"boot", boot}, {"number", UINT64_MAX}}), "invalid_params");
  EXPECT_EQ(kind(json::object{{"boot", "another"}, {"number", 1ull << 63}}), "invalid_params");
  EXPECT_EQ(kind(json::object{{"boot", "another"}, {"number", (1ll << 53)}}), "invalid_params");
  EXPECT_EQ(kind(json::object{{"boot", "another"}, {"number", (1ll << 53) - 1}}), "result");
}

TEST_F(resuming, hears_how_the_queue_grows_and_shrinks_and_its_last_state) {
  shop_.stop_till();
  shop_.add_central("ledger");
  shop_.start_till();
  auto till = shop_.connect();
  auto first = subscribe(till, {"queue"});
  EXPECT_FALSE(first.at("state").at("queue").as_array().at(0).at("connected").as_bool());
  for (int i = 0; i < 50; ++i)
    ASSERT_EQ(kind_of(till.call("sale.record", {{"idempotency_key", std::to_string(i)},
                                                {"total", {{"minor", 100}, {"currency", "EUR"}}}})),
              "result");
  int told = 0;
  for (std::int64_t sales = 0; sales < 50; ++told) {
    auto e = till.next_event("queue.changed", milliseconds(10'000));
    ASSERT_TRUE(e);
    sales = e->at("data").at("queue").as_array().at(0).at("waiting").at("sales").to_number<std::int64_t>();
  }
  EXPECT_LT(told, 50) << "not one for each record";
  shop_.start_central("ledger");
  // The first start of a central starts the till once more.
  till = shop_.connect();
  subscribe(till, {"queue"}, since(first));
  auto connected = till.next_event("queue.destination_changed", milliseconds(20'000));
  ASSERT_TRUE(connected);
  EXPECT_EQ(connected->at("data").at("destination").as_string(), "ledger");
  for (std::int64_t left = 1; left > 0;) {
    auto e = till.next_event("queue.changed", milliseconds(20'000));
    ASSERT_TRUE(e);
    left = e->at("data").at("queue").as_array().at(0).at("waiting").at("records").to_number<std::int64_t>();
  }
}

}  // namespace tilld::tests
