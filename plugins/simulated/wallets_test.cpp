#include "plugins/simulated/wallets.hpp"

#include <gtest/gtest.h>

namespace simulated {
namespace {

using namespace tilld::tender;
using tilld::operation_state;

class shop_wallets : public testing::Test {
 protected:
  static std::vector<wallet> two_wallets() {
    return {{.uid = "04A1", .balance = {2000, "EUR"}},
            {.reference = "R-2", .pin = "0000", .balance = {500, "EUR"}}};
  }

  authorized authorize(const std::string& id, std::int64_t minor, bool partial = false) {
    return wallets_.authorize(
        {.operation_id = id, .amount = {minor, "EUR"}, .partial = partial, .instrument = card_});
  }
  captured capture(const std::string& id, const std::string& authorization, std::int64_t minor) {
    return wallets_.capture({.operation_id = id, .authorization = authorization, .amount = {minor, "EUR"}});
  }
  std::int64_t balance() { return wallets_.save().at("balances").at(0).at("minor").as_int64(); }

  const instrument card_{.uid = "04A1"};
  wallets wallets_{two_wallets()};
};

TEST_F(shop_wallets, holds_takes_and_gives_the_rest_back) {
  const auto held = authorize("a", 1500);
  EXPECT_EQ(held.decision, decision::approved);
  EXPECT_EQ(held.left->minor, 500);
  const auto taken = capture("c", *held.authorization, 1200);
  EXPECT_EQ(taken.taken->minor, 1200);
  EXPECT_EQ(taken.left->minor, 800);
  EXPECT_EQ(capture("c2", *held.authorization, 100).reason, decline_reason::not_found)
      << "a hold is taken once";
}

TEST_F(shop_wallets, takes_what_is_there_and_says_what_is_left_to_pay) {
  const auto held = authorize("a", 3240, true);
  EXPECT_EQ(held.decision, decision::partially_approved);
  EXPECT_EQ(held.taken->minor, 2000);
  EXPECT_EQ(held.to_pay->minor, 1240);
  EXPECT_EQ(held.left->minor, 0);
}

TEST_F(shop_wallets, declines_all_or_nothing_and_moves_nothing) {
  EXPECT_EQ(authorize("a", 3240).reason, decline_reason::insufficient_funds);
  EXPECT_EQ(balance(), 2000);
}

TEST_F(shop_wallets, answers_the_same_operation_as_the_first_time) {
  const auto first = authorize("a", 1500);
  const auto second = authorize("a", 1500);
  EXPECT_EQ(second.left, first.left);
  EXPECT_EQ(balance(), 500);
  authorize("b", 9000);
  wallets_.reverse({.operation_id = "r", .reversed_operation_id = "a"});
  EXPECT_EQ(authorize("b", 100).reason, decline_reason::insufficient_funds) << "a refusal is bound to its id";
}

TEST_F(shop_wallets, lets_a_hold_go_once) {
  authorize("a", 1500);
  EXPECT_EQ(wallets_.release({.operation_id = "l", .authorization = "a"}).left->minor, 2000);
  EXPECT_EQ(wallets_.release({.operation_id = "l2", .authorization = "a"}).reason,
            decline_reason::nothing_to_release);
  EXPECT_EQ(balance(), 2000);
}

TEST_F(shop_wallets, gives_back_a_hold_a_capture_and_a_part_of_it) {
  authorize("a", 1500);
  capture("c", "a", 1500);
  const auto part = wallets_.reverse(
      {.operation_id = "r1", .reversed_operation_id = "c", .amount = tilld::money{500, "EUR"}});
  EXPECT_EQ(part.returned->minor, 500);
  const auto rest = wallets_.reverse({.operation_id = "r2", .reversed_operation_id = "a"});
  EXPECT_EQ(rest.returned->minor, 1000);
  EXPECT_EQ(wallets_.reverse({.operation_id = "r3", .reversed_operation_id = "a"}).returned->minor, 0);
  EXPECT_EQ(balance(), 2000);
}

TEST_F(shop_wallets, declines_what_comes_after_it_was_reversed) {
  wallets_.reverse({.operation_id = "r", .reversed_operation_id = "late"});
  EXPECT_EQ(authorize("late", 100).reason, decline_reason::customer_cancelled);
  EXPECT_EQ(balance(), 2000);
}

TEST_F(shop_wallets, asks_for_the_pin_where_there_is_one) {
  auto pay = [this](const std::string& id, std::optional<std::string> pin) {
    return wallets_.authorize({.operation_id = id,
                               .amount = {100, "EUR"},
                               .instrument = instrument{.reference = "R-2", .pin = pin}});
  };
  EXPECT_EQ(pay("a", std::nullopt).reason, decline_reason::pin_required);
  EXPECT_EQ(pay("b", "1111").reason, decline_reason::wrong_pin);
  EXPECT_EQ(pay("c", "0000").decision, decision::approved);
}

TEST_F(shop_wallets, knows_what_became_of_an_operation) {
  authorize("a", 1500);
  EXPECT_EQ(wallets_.outcome("a").state, operation_state::done);
  EXPECT_EQ(wallets_.outcome("a").result->at("authorization"), "a");
  EXPECT_EQ(wallets_.outcome("b").state, operation_state::not_done);
}

TEST_F(shop_wallets, remembers_over_a_restart) {
  authorize("a", 1500);
  wallets next{two_wallets()};
  next.load(wallets_.save());
  EXPECT_EQ(next.save(), wallets_.save());
  EXPECT_EQ(next.capture({.operation_id = "c", .authorization = "a", .amount = {1500, "EUR"}}).left->minor,
            500);
}

TEST_F(shop_wallets, ignores_a_memory_of_other_wallets) {
  authorize("a", 1500);
  wallets other{{{.uid = "04A1", .balance = {7, "CHF"}}}};
  const auto before = other.save();
  other.load(wallets_.save());
  EXPECT_EQ(other.save(), before);
}

TEST_F(shop_wallets, stays_small_enough_to_be_stored) {
  const std::string id(36, 'x');
  for (int i = 0; i < 300; ++i) authorize(id + std::to_string(i), 1);
  EXPECT_LT(boost::json::serialize(wallets_.save()).size(), std::size_t(48 * 1024));
}

}  // namespace
}  // namespace simulated
