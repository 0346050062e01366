// Cancelling before, during and after: the answer is the truth, whatever was wished.
#include "tests/two_tills/two_tills.hpp"

namespace tilld::tests {
namespace {

class cancelling : public two_tills {
 protected:
  // The device has it in hand.
  std::int64_t begin_work(const std::string& when_cancelled, const std::string& key,
                          std::uint32_t deadline_ms = 30'000) {
    json::object params{{"when_cancelled", when_cancelled}, {"deadline_ms", deadline_ms}};
    if (!key.empty()) params["idempotency_key"] = key;
    auto id = one_.send("org.tilld.test.stubborn.work", params);
    EXPECT_TRUE(one_.next_event("org.tilld.test.stubborn.begun", milliseconds(10'000)));
    return id;
  }
  bool cancel(std::int64_t id) {
    return result_of(one_.call("rpc.cancel", {{"id", id}})).at("in_hand").as_bool();
  }
  std::string state_of(const std::string& method, const std::string& key) {
    return text_of(
        result_of(one_.call("operation.get", {{"method", method}, {"idempotency_key", key}})).at("state"));
  }
  static constexpr const char* work = "org.tilld.test.stubborn.work";
};

}  // namespace

TEST_F(cancelling, undoes_nothing_because_nothing_was_done_while_it_waited_in_the_lane) {
  // Eight at a time are with a plugin; the ninth waits in the daemon.
  std::vector<std::int64_t> awaits;
  for (int i = 0; i < 8; ++i) awaits.push_back(one_.send("reader.await", {{"deadline_ms", 60'000}}));
  json::object print{{"idempotency_key", "r"}, {"document", document()}};
  auto id = one_.send("printer.print", print);
  EXPECT_TRUE(cancel(id));
  auto answer = one_.answer(id);
  EXPECT_EQ(kind_of(answer), "cancelled");
  EXPECT_EQ(answer->at("error").at("code").as_int64(), -32800);
  EXPECT_EQ(state_of("printer.print", "r"), "failed") << "it may run again";
  for (auto one : awaits) EXPECT_TRUE(cancel(one));
  for (auto one : awaits) EXPECT_EQ(kind_of(one_.answer(one)), "cancelled");
  EXPECT_EQ(printed(), 0);
  EXPECT_EQ(kind_of(one_.call("printer.print", print)), "result");
  EXPECT_EQ(printed(), 1);
}

TEST_F(cancelling, is_what_the_device_says_it_is) {
  subscribe(one_, {"org.tilld.test.stubborn"});
  auto given_up = begin_work("gives_up", "a");
  EXPECT_TRUE(cancel(given_up));
  EXPECT_EQ(kind_of(one_.answer(given_up)), "cancelled");
  EXPECT_EQ(state_of(work, "a"), "failed");

  auto done = begin_work("has_done_it", "b");
  EXPECT_TRUE(cancel(done));
  EXPECT_EQ(result_of(one_.answer(done)).at("said").as_string(), "done")
      << "it was too late, and that is said";
  EXPECT_EQ(state_of(work, "b"), "done");

  auto unclear = begin_work("breaks", "c");
  EXPECT_TRUE(cancel(unclear));
  EXPECT_EQ(kind_of(one_.answer(unclear)), "outcome_unknown");
  EXPECT_EQ(state_of(work, "c"), "unknown");
}

TEST_F(cancelling, works_without_a_key_and_by_the_notification_of_lsp) {
  subscribe(one_, {"org.tilld.test.stubborn"});
  auto id = begin_work("gives_up", "");
  ASSERT_TRUE(one_.send_raw(R"({"jsonrpc":"2.0","method":"$/cancelRequest","params":{"id":)" +
                            std::to_string(id) + "}}\n"));
  EXPECT_EQ(kind_of(one_.answer(id)), "cancelled");
}

TEST_F(cancelling, says_that_what_was_answered_is_not_in_hand) {
  auto id = one_.send("printer.print", {{"idempotency_key", "r"}, {"document", document()}});
  EXPECT_EQ(kind_of(one_.answer(id)), "result");
  EXPECT_FALSE(cancel(id));
  EXPECT_EQ(state_of("printer.print", "r"), "done");
  EXPECT_FALSE(cancel(4711));
}

TEST_F(cancelling, does_not_stop_a_sale) {
  auto id =
      one_.send("sale.record", {{"idempotency_key", "s"}, {"total", {{"minor", 1}, {"currency", "EUR"}}}});
  cancel(id);
  EXPECT_EQ(kind_of(one_.answer(id)), "result");
}

TEST_F(cancelling, asks_the_device_what_became_of_it_when_that_says_nothing) {
  admin_.call("org.tilld.simulation.fault", {{"interface", "tilld.printer/1"}, {"what", "lost_answer"}});
  auto id =
      one_.send("printer.print", {{"idempotency_key", "r"}, {"deadline_ms", 500}, {"document", document()}});
  EXPECT_TRUE(cancel(id));
  auto first = one_.answer(id);
  // Cancelled in the lane, nothing was printed; with the printer, it was, and the printer says so.
  if (kind_of(first) == "cancelled")
    EXPECT_EQ(printed(), 0);
  else
    EXPECT_EQ(result_of(first).at("confirmation").as_string(), "printed");

  admin_.call("org.tilld.simulation.fault", {{"interface", "tilld.printer/1"}, {"what", "none"}});
  admin_.call("org.tilld.simulation.fault", {{"interface", "tilld.printer/1"}, {"what", "timeout"}});
  auto before = printed();
  id = one_.send("printer.print", {{"idempotency_key", "q"}, {"deadline_ms", 500}, {"document", document()}});
  EXPECT_TRUE(cancel(id));
  EXPECT_EQ(kind_of(one_.answer(id)), "cancelled") << "certainly not printed";
  EXPECT_EQ(printed(), before);
}

TEST_F(cancelling, reaches_an_operation_from_another_connection_of_the_same_principal_only) {
  subscribe(one_, {"org.tilld.test.stubborn", "operation"});
  json::object params{{"when_cancelled", "gives_up"}, {"idempotency_key", "k"}, {"wait_ms", 0}};
  auto operation = result_of(one_.call(work, params)).at("operation_id");
  ASSERT_TRUE(one_.next_event("org.tilld.test.stubborn.begun"));
  EXPECT_FALSE(result_of(two_.call("rpc.cancel", {{"operation_id", operation}})).at("in_hand").as_bool());
  auto other = sign_on(token_1_);
  EXPECT_TRUE(result_of(other.call("rpc.cancel", {{"operation_id", operation}})).at("in_hand").as_bool());
  auto finished = one_.next_event("operation.finished");
  ASSERT_TRUE(finished);
  EXPECT_EQ(finished->at("data").at("error").at("data").at("kind").as_string(), "cancelled");
  EXPECT_EQ(state_of(work, "k"), "failed");
}

TEST_F(cancelling, ends_the_operation_for_all_who_asked_with_its_key) {
  subscribe(one_, {"org.tilld.test.stubborn"});
  auto first = begin_work("gives_up", "k");
  auto again = sign_on(token_1_);
  auto second = again.send(work, {{"when_cancelled", "gives_up"}, {"idempotency_key", "k"}});
  EXPECT_TRUE(result_of(again.call("rpc.cancel", {{"id", second}})).at("in_hand").as_bool());
  EXPECT_EQ(kind_of(again.answer(second)), "cancelled");
  EXPECT_EQ(kind_of(one_.answer(first)), "cancelled");
}

}  // namespace tilld::tests
