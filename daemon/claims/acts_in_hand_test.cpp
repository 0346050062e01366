#include "daemon/claims/acts_in_hand.hpp"

#include <gtest/gtest.h>

using namespace tilld::daemon;
using tilld::base::cancellation;
using tilld::base::errc;

namespace {

claim_view held_by_till_2() {
  claim_view view;
  view.claim = "claim-2";
  view.device = "sim";
  view.holder = {"token:2", "till two", 22};
  return view;
}
const acts_in_hand::actor till_1{"token:1", 11, ""}, till_2{"token:2", 22, ""};

}  // namespace

TEST(acts_in_hand, hear_the_wish_when_somebody_else_has_the_device) {
  acts_in_hand acts;
  auto wish = std::make_shared<cancellation>();
  auto mine = acts.begin("sim", till_1, std::nullopt, wish);
  acts.holder_is("another", held_by_till_2());
  EXPECT_FALSE(wish->wanted());
  acts.holder_is("sim", held_by_till_2());
  EXPECT_TRUE(wish->wanted());
  ASSERT_TRUE(mine->ended());
  EXPECT_EQ(mine->ended()->code, errc::claimed);
  acts.holder_is("sim", std::nullopt);
  EXPECT_TRUE(mine->ended()) << "what was given up is not taken up again";
}

TEST(acts_in_hand, go_on_for_the_holder_by_connection_by_claim_and_by_what_they_began_under) {
  acts_in_hand acts;
  auto by_connection = acts.begin("sim", till_2, std::nullopt, nullptr);
  auto by_claim = acts.begin("sim", {"token:2", 99, "claim-2"}, std::nullopt, nullptr);
  auto other_program = acts.begin("sim", {"token:2", 99, ""}, std::nullopt, nullptr);
  auto before_it_hung_up = acts.begin("sim", {"token:2", 98, ""}, held_by_till_2(), nullptr);
  acts.holder_is("sim", held_by_till_2());
  EXPECT_FALSE(by_connection->ended());
  EXPECT_FALSE(by_claim->ended());
  EXPECT_FALSE(before_it_hung_up->ended()) << "its claim was taken up from another connection";
  EXPECT_TRUE(other_program->ended());
}

TEST(acts_in_hand, go_on_when_the_device_goes_to_nobody) {
  acts_in_hand acts;
  auto wish = std::make_shared<cancellation>();
  auto mine = acts.begin("sim", till_2, held_by_till_2(), wish);
  acts.holder_is("sim", std::nullopt);
  EXPECT_FALSE(mine->ended());
  EXPECT_FALSE(wish->wanted());
}

TEST(acts_in_hand, pass_the_wish_on_to_who_comes_later) {
  acts_in_hand acts;
  auto mine = acts.begin("sim", till_1, std::nullopt, nullptr);
  acts.holder_is("sim", held_by_till_2());
  auto wish = std::make_shared<cancellation>();
  mine->heard_by(wish);
  EXPECT_TRUE(wish->wanted());
}

TEST(acts_in_hand, may_end_while_they_hear_it_and_may_outlive_the_list) {
  auto acts = std::make_unique<acts_in_hand>();
  auto wish = std::make_shared<cancellation>();
  auto mine = acts->begin("sim", till_1, std::nullopt, wish);
  auto other = acts->begin("sim", till_1, std::nullopt, nullptr);
  cancellation::stage hears(wish.get(), [&] { mine = nullptr; });
  acts->holder_is("sim", held_by_till_2());
  EXPECT_FALSE(mine);
  acts = nullptr;
  EXPECT_TRUE(other->ended());
}
