// What is in hand at a device when it goes to somebody else.
#include "tests/two_tills/two_tills.hpp"

namespace tilld::tests {
namespace {

class a_device_that_changes_hands : public two_tills {
 protected:
  static constexpr const char* work = "org.tilld.test.stubborn.work";
  std::string claim(line_client& client, const std::string& device, json::object more = {}) {
    more["device"] = device;
    return text_of(result_of(client.call("device.claim", more)).at("claim"));
  }
  void present_card() {
    result_of(admin_.call("org.tilld.simulation.present_card", {{"uid", "04A1B2C3D4E5F6"}}));
  }
  std::string state_of(const std::string& method, const std::string& key) {
    return text_of(
        result_of(one_.call("operation.get", {{"method", method}, {"idempotency_key", key}})).at("state"));
  }
};

}  // namespace

TEST_F(a_device_that_changes_hands, gives_the_card_to_its_holder_and_to_nobody_who_waited_before) {
  auto waits = one_.send("reader.await", {{"deadline_ms", 60'000}});
  ASSERT_TRUE(in_hand_at("sim", 1));
  subscribe(two_, {"reader"});
  claim(two_, "sim");
  auto answer = one_.answer(waits);
  EXPECT_EQ(kind_of(answer), "claimed");
  EXPECT_TRUE(in_hand_at("sim", 0));
  present_card();
  auto card = two_.next_event("reader.presented");
  ASSERT_TRUE(card);
  EXPECT_EQ(text_of(card->at("data").at("uid")), "04A1B2C3D4E5F6");
}

TEST_F(a_device_that_changes_hands, gives_up_what_waits_for_its_turn_when_it_is_taken_by_force) {
  subscribe(one_, {"org.tilld.test.stubborn"});
  claim(one_, "slow");
  std::vector<std::int64_t> with_it;
  for (int i = 0; i < 8; ++i) {
    with_it.push_back(one_.send(
        work, {{"when_cancelled", "has_done_it"}, {"idempotency_key", "at it " + std::to_string(i)}}));
    ASSERT_TRUE(one_.next_event("org.tilld.test.stubborn.begun", milliseconds(10'000)));
  }
  auto queued = one_.send(work, {{"when_cancelled", "has_done_it"}, {"idempotency_key", "queued"}});
  auto queued_too = one_.send(work, {{"when_cancelled", "has_done_it"}});
  ASSERT_TRUE(in_hand_at("slow", 10));
  result_of(admin_.call("device.claim", {{"device", "slow"}, {"force", true}, {"reason", "closing time"}}));
  EXPECT_EQ(kind_of(one_.answer(queued)), "claimed");
  EXPECT_EQ(kind_of(one_.answer(queued_too)), "claimed");
  EXPECT_EQ(state_of(work, "queued"), "failed") << "nothing was done, and the key may be used again";
  // What had been done already is said to be done.
  for (auto id : with_it) EXPECT_EQ(result_of(one_.answer(id)).at("said").as_string(), "done");
}

TEST_F(a_device_that_changes_hands, gives_up_what_its_former_holder_left_when_the_next_in_line_has_it) {
  auto id = claim(one_, "sim");
  auto waits = one_.send("reader.await", {{"deadline_ms", 60'000}});
  ASSERT_TRUE(in_hand_at("sim", 1));
  auto line = two_.send("device.claim", {{"device", "sim"}, {"wait_ms", 60'000}});
  EXPECT_EQ(kind_of(one_.call("device.release", {{"claim", id}})), "result");
  EXPECT_EQ(kind_of(two_.answer(line)), "result");
  EXPECT_EQ(kind_of(one_.answer(waits)), "claimed");
}

TEST_F(a_device_that_changes_hands, disturbs_neither_its_holder_nor_those_who_only_ask) {
  auto waits = one_.send("reader.await", {{"deadline_ms", 60'000}});
  ASSERT_TRUE(in_hand_at("sim", 1));
  claim(one_, "sim");
  EXPECT_EQ(kind_of(two_.call("printer.status")), "result");
  present_card();
  EXPECT_EQ(text_of(result_of(one_.answer(waits)).at("uid")), "04A1B2C3D4E5F6");
}

TEST_F(a_device_that_changes_hands, lets_go_on_what_is_in_hand_when_a_claim_ends_and_nobody_comes) {
  auto id = claim(one_, "sim");
  auto waits = one_.send("reader.await", {{"deadline_ms", 60'000}});
  ASSERT_TRUE(in_hand_at("sim", 1));
  EXPECT_EQ(kind_of(one_.call("device.release", {{"claim", id}})), "result");
  present_card();
  EXPECT_EQ(kind_of(one_.answer(waits)), "result");
}

}  // namespace tilld::tests
