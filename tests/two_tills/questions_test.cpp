// Long calls that change nothing, with a key: to be waited for, to be asked for later, to be given up.
// Nothing of them is ever written down.
#include <filesystem>
#include <fstream>

#include "tests/two_tills/two_tills.hpp"

namespace tilld::tests {
namespace {

class asking_without_waiting : public two_tills {
 protected:
  static constexpr const char* uid = "04A1B2C3D4E5F6";
  json::object await(const std::string& key, std::int64_t wait_ms) {
    return {{"idempotency_key", key}, {"wait_ms", wait_ms}, {"deadline_ms", 60'000}};
  }
  json::object get(line_client& client, const json::value& operation, std::int64_t wait_ms = 0) {
    return result_of(client.call("operation.get", {{"operation_id", operation}, {"wait_ms", wait_ms}}));
  }
  void present_card() { result_of(admin_.call("org.tilld.simulation.present_card", {{"uid", uid}})); }
  bool is_written_anywhere(const std::string& text) {
    for (auto& file : std::filesystem::recursive_directory_iterator(folder_.path())) {
      if (!file.is_regular_file()) continue;
      std::ifstream in(file.path(), std::ios::binary);
      std::string all((std::istreambuf_iterator<char>(in)), {});
      if (all.find(text) != std::string::npos) return true;
    }
    return false;
  }
};

}  // namespace

TEST_F(asking_without_waiting, for_a_card_gets_it_later_and_leaves_no_trace_of_it) {
  subscribe(one_, {"operation"});
  auto begun = result_of(one_.call("reader.await", await("card", 0)));
  EXPECT_EQ(text_of(begun.at("state")), "running");
  auto operation = begun.at("operation_id");
  auto row = get(one_, operation);
  EXPECT_EQ(text_of(row.at("state")), "running");
  EXPECT_EQ(text_of(row.at("method")), "reader.await");
  EXPECT_EQ(text_of(row.at("device")), "sim");
  auto waits = one_.send("operation.get", {{"operation_id", operation}, {"wait_ms", 60'000}});
  auto again = one_.send("reader.await", await("card", 60'000));
  EXPECT_EQ(kind_of(two_.call("operation.get", {{"operation_id", operation}})), "operation_not_found");
  present_card();
  row = result_of(one_.answer(waits));
  EXPECT_EQ(text_of(row.at("state")), "done");
  EXPECT_EQ(text_of(row.at("result").at("uid")), uid);
  EXPECT_EQ(text_of(result_of(one_.answer(again)).at("uid")), uid);
  auto finished = one_.next_event("operation.finished");
  ASSERT_TRUE(finished);
  EXPECT_EQ(finished->at("data").at("operation_id"), operation);
  EXPECT_EQ(json::serialize(*finished).find(uid), std::string::npos);
  // An answer that was lost is asked for again, and is the same one.
  result_of(admin_.call("org.tilld.simulation.remove_card"));
  EXPECT_EQ(text_of(result_of(one_.call("reader.await", await("card", 0))).at("uid")), uid);
  EXPECT_EQ(result_of(one_.call("operation.get", {{"method", "reader.await"}, {"idempotency_key", "card"}})),
            row);
  auto other = await("card", 0);
  other["at_least"] = "authenticated";
  EXPECT_EQ(kind_of(one_.call("reader.await", other)), "key_conflict");
  EXPECT_EQ(kind_of(one_.call("sale.record",
                              {{"idempotency_key", "s"}, {"total", {{"minor", 1}, {"currency", "EUR"}}}})),
            "result");
  EXPECT_FALSE(is_written_anywhere(uid));
}

TEST_F(asking_without_waiting, can_be_given_up_and_asked_anew) {
  auto operation = result_of(one_.call("reader.await", await("card", 0))).at("operation_id");
  EXPECT_FALSE(result_of(two_.call("rpc.cancel", {{"operation_id", operation}})).at("in_hand").as_bool());
  EXPECT_TRUE(result_of(one_.call("rpc.cancel", {{"operation_id", operation}})).at("in_hand").as_bool());
  auto row = get(one_, operation, 30'000);
  EXPECT_EQ(text_of(row.at("state")), "failed");
  EXPECT_EQ(text_of(row.at("error").at("data").at("kind")), "cancelled");
  auto again = result_of(one_.call("reader.await", await("card", 0)));
  EXPECT_EQ(text_of(again.at("state")), "running");
  EXPECT_NE(again.at("operation_id"), operation);
  present_card();
  EXPECT_EQ(text_of(get(one_, again.at("operation_id"), 30'000).at("state")), "done");
}

TEST_F(asking_without_waiting, goes_on_when_the_till_is_gone_and_is_found_by_its_key) {
  auto waits = sign_on(token_1_);
  waits.send("reader.await", {{"idempotency_key", "card"}, {"deadline_ms", 60'000}});
  ASSERT_TRUE(in_hand_at("sim", 1));
  break_off(waits);
  auto back = one_.send("reader.await", await("card", 60'000));
  present_card();
  EXPECT_EQ(text_of(result_of(one_.answer(back)).at("uid")), uid);
}

TEST_F(asking_without_waiting, ends_when_another_till_takes_the_device) {
  auto operation = result_of(one_.call("reader.await", await("card", 0))).at("operation_id");
  result_of(two_.call("device.claim", {{"device", "sim"}}));
  auto row = get(one_, operation, 30'000);
  EXPECT_EQ(text_of(row.at("state")), "failed");
  EXPECT_EQ(text_of(row.at("error").at("data").at("kind")), "claimed");
  EXPECT_EQ(kind_of(one_.call("reader.await", await("card", 0))), "claimed");
}

TEST_F(asking_without_waiting, is_possible_for_customers_and_for_the_journal) {
  json::object who{{"code", "4711"}, {"idempotency_key", "who"}, {"wait_ms", 30'000}};
  auto first = result_of(one_.call("customer.identify", who));
  EXPECT_FALSE(first.at("found").as_bool());
  who["code"] = "4712";
  EXPECT_EQ(kind_of(one_.call("customer.identify", who)), "key_conflict");

  auto answer = result_of(admin_.call("journal.verify", {{"idempotency_key", "v"}, {"wait_ms", 0}}));
  auto row = result_of(admin_.call(
      "operation.get", {{"method", "journal.verify"}, {"idempotency_key", "v"}, {"wait_ms", 30'000}}));
  EXPECT_EQ(text_of(row.at("state")), "done");
  EXPECT_TRUE(row.at("result").at("whole").as_bool());
  if (answer.contains("operation_id")) {
    EXPECT_EQ(answer.at("operation_id"), row.at("operation_id"));
  }
  EXPECT_EQ(kind_of(admin_.call("journal.verify", {{"wait_ms", 0}})), "invalid_params") << "without a key";
}

TEST_F(asking_without_waiting, is_forgotten_by_a_restart_and_may_be_asked_again) {
  auto operation = result_of(one_.call("reader.await", await("card", 0))).at("operation_id");
  shop_.stop_till();
  shop_.start_till();
  wait_until_ready();
  auto back = sign_on(token_1_);
  EXPECT_EQ(kind_of(back.call("operation.get", {{"operation_id", operation}})), "operation_not_found");
  EXPECT_EQ(text_of(result_of(back.call("reader.await", await("card", 0))).at("state")), "running");
}

}  // namespace tilld::tests
