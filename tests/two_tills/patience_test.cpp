// Waiting to the end, not at all, or so long: wait_ms.
#include "tests/two_tills/two_tills.hpp"

namespace tilld::tests {
namespace {

class patience : public two_tills {
 protected:
  void SetUp() override {
    two_tills::SetUp();
    subscribe(admin_, {"org.tilld.test.stubborn"});
  }
  static constexpr const char* work = "org.tilld.test.stubborn.work";
  json::object params(const std::string& key) {
    return {{"when_cancelled", "has_done_it"}, {"idempotency_key", key}, {"deadline_ms", 60'000}};
  }
  json::object params(const std::string& key, std::int64_t wait_ms) {
    auto p = params(key);
    p["wait_ms"] = wait_ms;
    return p;
  }
  // Before the device was asked a cancelled call is undone, and never done.
  void finish(const json::value& operation) {
    ASSERT_TRUE(admin_.next_event("org.tilld.test.stubborn.begun"));
    EXPECT_TRUE(result_of(admin_.call("rpc.cancel", {{"operation_id", operation}})).at("in_hand").as_bool());
  }
};

}  // namespace

TEST_F(patience, may_be_none_and_the_answer_is_fetched_later) {
  subscribe(one_, {"operation"});
  subscribe(two_, {"operation"});
  auto begun = result_of(one_.call(work, params("k", 0)));
  EXPECT_EQ(begun.at("state").as_string(), "running");
  auto operation = begun.at("operation_id");
  auto row = result_of(one_.call("operation.get", {{"operation_id", operation}}));
  EXPECT_EQ(row.at("state").as_string(), "running") << "the intent is on the disk";

  auto get = one_.send("operation.get", {{"operation_id", operation}, {"wait_ms", 60'000}});
  auto again = one_.send(work, params("k", 60'000));
  EXPECT_EQ(result_of(one_.call(work, params("k", 1))).at("state").as_string(), "running");
  finish(operation);
  auto got = result_of(one_.answer(get));
  EXPECT_EQ(got.at("state").as_string(), "done");
  EXPECT_EQ(got.at("result").at("said").as_string(), "done");
  EXPECT_EQ(result_of(one_.answer(again)).at("said").as_string(), "done");
  auto finished = one_.next_event("operation.finished");
  ASSERT_TRUE(finished);
  EXPECT_EQ(finished->at("data").at("operation_id"), operation);
  EXPECT_EQ(finished->at("data").at("state").as_string(), "done");
  EXPECT_TRUE(heard_nothing(two_, "operation.finished")) << "it is no business of another till";
  // Without waiting, with a little, with none: it is the same call.
  EXPECT_EQ(result_of(one_.call(work, params("k"))).at("said").as_string(), "done");
  EXPECT_EQ(result_of(one_.call(work, params("k", 0))).at("said").as_string(), "done");
}

TEST_F(patience, that_is_long_enough_gets_the_answer_itself) {
  json::object print{{"idempotency_key", "r"}, {"wait_ms", 30'000}, {"document", document()}};
  EXPECT_EQ(result_of(one_.call("printer.print", print)).at("confirmation").as_string(), "printed");
}

TEST_F(patience, for_an_operation_can_be_asked_by_its_key_and_ends_in_time) {
  auto operation = result_of(one_.call(work, params("k", 0))).at("operation_id");
  json::object by_key{{"method", work}, {"idempotency_key", "k"}, {"wait_ms", 1}};
  EXPECT_EQ(result_of(one_.call("operation.get", by_key)).at("state").as_string(), "running");
  EXPECT_EQ(kind_of(two_.call("operation.get", {{"operation_id", operation}, {"wait_ms", 60'000}})),
            "operation_not_found");
  finish(operation);
}

TEST_F(patience, outlives_the_connection_that_asked) {
  auto operation = result_of(one_.call(work, params("k", 0))).at("operation_id");
  one_.close();
  auto back = sign_on(token_1_);
  auto get = back.send("operation.get", {{"operation_id", operation}, {"wait_ms", 60'000}});
  finish(operation);
  EXPECT_EQ(result_of(back.answer(get)).at("state").as_string(), "done");
}

TEST_F(patience, tells_later_why_it_failed) {
  admin_.call("org.tilld.simulation.fault", {{"interface", "tilld.printer/1"}, {"what", "paper_out"}});
  json::object print{{"idempotency_key", "r"}, {"wait_ms", 0}, {"document", document()}};
  auto begun = one_.call("printer.print", print);
  if (kind_of(begun) == "result") {
    json::object get{{"operation_id", begun->at("result").at("operation_id")}, {"wait_ms", 30'000}};
    auto row = result_of(one_.call("operation.get", get));
    EXPECT_EQ(row.at("state").as_string(), "failed");
    EXPECT_EQ(row.at("error").at("data").at("kind").as_string(), "paper_out");
  }
  print["wait_ms"] = 30'000;
  EXPECT_EQ(result_of(one_.call("printer.print", print)).at("confirmation").as_string(), "printed");
}

TEST_F(patience, ends_with_the_daemon_and_the_question_stays) {
  auto operation = result_of(one_.call(work, params("k", 0))).at("operation_id");
  shop_.till().kill();
  shop_.start_till();
  wait_until_ready();
  auto back = sign_on(token_1_);
  auto row = result_of(back.call("operation.get", {{"operation_id", operation}}));
  EXPECT_EQ(row.at("state").as_string(), "unknown");
  EXPECT_EQ(kind_of(back.call(work, params("k"))), "outcome_unknown") << "it is not run a second time";
}

TEST_F(patience, lets_the_daemon_stop_while_an_operation_runs) {
  auto operation = result_of(one_.call(work, params("k", 0))).at("operation_id");
  shop_.stop_till();
  shop_.start_till();
  wait_until_ready();
  auto back = sign_on(token_1_);
  auto row = result_of(back.call("operation.get", {{"operation_id", operation}}));
  EXPECT_EQ(row.at("state").as_string(), "unknown");
}

TEST_F(patience, is_told_the_operation_that_runs_when_the_one_before_was_unknown) {
  json::object print{{"idempotency_key", "r"}, {"document", document()}};
  admin_.call("org.tilld.simulation.fault", {{"interface", "tilld.printer/1"}, {"what", "no_device"}});
  auto unknown = one_.call("printer.print", print);
  ASSERT_EQ(kind_of(unknown), "outcome_unknown");
  auto asked = unknown->at("error").at("data").at("operation_id");
  wait_until_ready();
  // It did not print, so now it does, as another operation.
  print["wait_ms"] = 0;
  auto answer = result_of(one_.call("printer.print", print));
  auto row = result_of(one_.call(
      "operation.get", {{"method", "printer.print"}, {"idempotency_key", "r"}, {"wait_ms", 30'000}}));
  EXPECT_EQ(text_of(row.at("state")), "done");
  if (answer.contains("operation_id")) {
    EXPECT_EQ(answer.at("operation_id"), row.at("operation_id"));
  }
  // Whoever wrote down the number of the first attempt finds what became of it.
  EXPECT_NE(asked, row.at("operation_id"));
  EXPECT_EQ(result_of(one_.call("operation.get", {{"operation_id", asked}})), row);
  EXPECT_EQ(kind_of(two_.call("operation.get", {{"operation_id", asked}})), "operation_not_found");
}

TEST_F(patience, is_for_calls_with_a_key) {
  EXPECT_EQ(kind_of(one_.call("printer.status", {{"wait_ms", 0}})), "invalid_params");
  EXPECT_EQ(kind_of(one_.call("printer.print",
                              {{"idempotency_key", "r"}, {"wait_ms", -1}, {"document", document()}})),
            "invalid_params");
}

}  // namespace tilld::tests
