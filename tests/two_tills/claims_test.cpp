// Two tills and one scanner: who holds it, who waits, who takes it.
#include "tests/two_tills/two_tills.hpp"
#include "wire/base64.hpp"

namespace tilld::tests {
namespace {

class claiming : public two_tills {
 protected:
  std::string claim(line_client& client, json::object more = {}) {
    more["device"] = "sim";
    return text_of(result_of(client.call("device.claim", more)).at("claim"));
  }
  json::value claim_of_sim() {
    auto devices = result_of(admin_.call("device.list")).at("devices").as_array();
    for (auto& d : devices)
      if (d.at("device") == "sim") return d.at("claim");
    return nullptr;
  }
};

}  // namespace

TEST_F(claiming, gives_the_scans_to_the_holder_alone_and_to_everybody_before_and_after) {
  subscribe(one_, {"scanner"});
  subscribe(two_, {"scanner"});
  scan("shared");
  EXPECT_EQ(next_scan(one_), "shared");
  EXPECT_EQ(next_scan(two_), "shared");

  auto id = claim(one_);
  scan("for one");
  EXPECT_EQ(next_scan(one_), "for one");
  EXPECT_TRUE(heard_nothing(two_, "scanner.scanned"));

  EXPECT_EQ(kind_of(one_.call("device.release", {{"claim", id}})), "result");
  scan("shared again");
  EXPECT_EQ(next_scan(two_), "shared again");
  EXPECT_EQ(next_scan(one_), "shared again");
}

TEST_F(claiming, refuses_others_who_would_act_and_says_who_holds_it) {
  claim(one_);
  auto refused = two_.call("printer.print", {{"idempotency_key", "a"}, {"document", document()}});
  EXPECT_EQ(kind_of(refused), "claimed");
  EXPECT_NE(text_of(refused->at("error").at("message")).find("sim is claimed by token:"), std::string::npos);
  EXPECT_EQ(kind_of(two_.call("reader.await", {{"deadline_ms", 50}})), "claimed");
  EXPECT_EQ(kind_of(two_.call("display.show", {{"lines", {"Hello"}}})), "claimed");
  EXPECT_EQ(kind_of(two_.call("printer.status")), "result") << "a question is everybody's";
  EXPECT_EQ(printed(), 0);
  // The refusal binds nothing, and the holder may.
  EXPECT_EQ(kind_of(one_.call("printer.print", {{"idempotency_key", "a"}, {"document", document()}})),
            "result");
}

TEST_F(claiming, repeats_a_stored_answer_to_who_holds_nothing) {
  json::object print{{"idempotency_key", "a"}, {"document", document()}};
  EXPECT_EQ(kind_of(two_.call("printer.print", print)), "result");
  claim(one_);
  EXPECT_EQ(kind_of(two_.call("printer.print", print)), "result");
  EXPECT_EQ(printed(), 1);
}

TEST_F(claiming, asks_the_holder_politely_and_passes_on_what_it_releases) {
  subscribe(one_, {"device"});
  auto id = claim(one_);
  auto waiting = two_.send("device.claim", {{"device", "sim"}, {"wait_ms", 60'000}});
  auto asked = one_.next_event("device.release_requested");
  ASSERT_TRUE(asked);
  EXPECT_EQ(asked->at("data").at("claim").as_string(), id);
  EXPECT_EQ(asked->at("data").at("answer_within_ms").to_number<int>(), 2000);
  EXPECT_EQ(kind_of(one_.call("device.retain", {{"claim", id}})), "result");
  EXPECT_EQ(claim_of_sim().at("waiting").to_number<int>(), 1) << "it stays in line";
  EXPECT_EQ(kind_of(one_.call("device.release", {{"claim", id}})), "result");
  EXPECT_EQ(result_of(two_.answer(waiting)).at("device").as_string(), "sim");
  EXPECT_EQ(kind_of(one_.call("device.keep", {{"claim", id}})), "claim_ended");
}

TEST_F(claiming, takes_it_from_a_holder_that_does_not_answer) {
  subscribe(one_, {"device"});
  claim(one_);
  auto got = result_of(two_.call("device.claim", {{"device", "sim"}, {"wait_ms", 60'000}}));
  EXPECT_TRUE(got.contains("claim"));
  auto lost = one_.next_event("device.claim_lost");
  ASSERT_TRUE(lost);
  EXPECT_EQ(lost->at("data").at("why").as_string(), "no_answer");
}

TEST_F(claiming, is_taken_by_force_by_staff_alone_and_leaves_a_trace) {
  subscribe(one_, {"device"});
  claim(one_);
  json::object force{{"device", "sim"}, {"force", true}, {"reason", "till 1 is on fire"}};
  EXPECT_EQ(kind_of(two_.call("device.claim", force)), "forbidden");
  EXPECT_EQ(kind_of(admin_.call("device.claim", {{"device", "sim"}, {"force", true}})), "invalid_params")
      << "without a reason";
  EXPECT_EQ(kind_of(admin_.call("device.claim", force)), "result");
  auto lost = one_.next_event("device.claim_lost");
  ASSERT_TRUE(lost);
  EXPECT_EQ(lost->at("data").at("why").as_string(), "taken");
  int traced = 0;
  auto read = result_of(admin_.call("journal.read"));
  for (auto& r : read.at("records").as_array()) {
    auto body = json::parse(wire::from_base64(r.at("body").as_string()).value_or("{}")).as_object();
    if (!body.contains("former")) continue;
    ++traced;
    EXPECT_EQ(body.at("reason").as_string(), "till 1 is on fire");
    EXPECT_TRUE(text_of(body.at("principal")).starts_with("unix:"));
    EXPECT_TRUE(text_of(body.at("former")).starts_with("token:"));
  }
  auto kinds = result_of(admin_.call("journal.verify")).at("kinds");
  EXPECT_EQ(kinds.at("device.taken").to_number<int>(), 1);
  EXPECT_EQ(traced, 1);
}

TEST_F(claiming, waits_for_a_holder_that_hung_up_and_has_kept_its_scans) {
  auto from = subscribe(one_, {"scanner"});
  auto id = claim(one_);
  one_.close();
  // The daemon has noticed when the claim has no connection any more.
  auto until = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (claim_of_sim().at("here").as_bool() && std::chrono::steady_clock::now() < until)
    ;
  ASSERT_FALSE(claim_of_sim().at("here").as_bool());
  scan("while it was away");
  subscribe(two_, {"scanner"}, {{"since", {{"boot", from.at("boot")}, {"number", from.at("number")}}}});
  EXPECT_TRUE(heard_nothing(two_, "scanner.scanned")) << "nobody else gets it, now or later";

  auto back = sign_on(token_1_);
  auto taken_up = result_of(back.call("device.claim", {{"claim", id}}));
  EXPECT_EQ(taken_up.at("claim").as_string(), id);
  subscribe(back, {"scanner"}, {{"since", {{"boot", from.at("boot")}, {"number", from.at("number")}}}});
  EXPECT_EQ(next_scan(back), "while it was away");
  EXPECT_EQ(kind_of(two_.call("device.claim", {{"claim", id}})), "claim_ended") << "it is not another's";
}

TEST_F(claiming, acts_for_a_claim_from_another_connection_that_names_it) {
  auto id = claim(one_);
  auto other = sign_on(token_1_);
  json::object print{{"idempotency_key", "a"}, {"document", document()}};
  EXPECT_EQ(kind_of(other.call("printer.print", print)), "claimed");
  print["claim"] = id;
  EXPECT_EQ(kind_of(other.call("printer.print", print)), "result");
  // Which claim is no part of what is asked for.
  print.erase("claim");
  EXPECT_EQ(kind_of(one_.call("printer.print", print)), "result");
  EXPECT_EQ(printed(), 1);
  EXPECT_EQ(kind_of(one_.call("device.release", {{"claim", id}})), "result");
  EXPECT_EQ(kind_of(other.call("display.clear", {{"claim", id}})), "claim_ended")
      << "who believes to hold it shall know that it does not";
}

TEST_F(claiming, gives_scans_one_at_a_time_while_a_dialog_is_open) {
  subscribe(one_, {"scanner"});
  auto id = claim(one_, {{"one_at_a_time", true}});
  scan("first");
  scan("second");
  EXPECT_TRUE(heard_nothing(one_, "scanner.scanned"));
  EXPECT_EQ(result_of(one_.call("device.next", {{"claim", id}})).at("inputs_held").to_number<int>(), 1);
  EXPECT_EQ(next_scan(one_), "first");
  EXPECT_TRUE(heard_nothing(one_, "scanner.scanned"));
  EXPECT_EQ(kind_of(one_.call("device.next", {{"claim", id}})), "result");
  EXPECT_EQ(next_scan(one_), "second");
  EXPECT_EQ(kind_of(two_.call("device.next", {{"claim", id}})), "claim_ended");
}

TEST_F(claiming, leaves_the_line_when_its_request_is_cancelled_or_its_connection_ends) {
  auto id = claim(one_);
  auto waiting = two_.send("device.claim", {{"device", "sim"}, {"wait_ms", 60'000}});
  EXPECT_TRUE(result_of(two_.call("rpc.cancel", {{"id", waiting}})).at("in_hand").as_bool());
  EXPECT_EQ(kind_of(two_.answer(waiting)), "cancelled");
  EXPECT_EQ(claim_of_sim().at("waiting").to_number<int>(), 0);
  two_.send("device.claim", {{"device", "sim"}, {"wait_ms", 60'000}});
  EXPECT_EQ(kind_of(two_.call("system.ping")), "result");
  EXPECT_EQ(claim_of_sim().at("waiting").to_number<int>(), 1);
  two_.close();
  auto until = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (claim_of_sim().at("waiting").to_number<int>() != 0 && std::chrono::steady_clock::now() < until)
    ;
  EXPECT_EQ(claim_of_sim().at("waiting").to_number<int>(), 0);
  EXPECT_EQ(kind_of(one_.call("device.release", {{"claim", id}})), "result");
  EXPECT_TRUE(claim_of_sim().is_null());
}

TEST_F(claiming, gives_as_many_scans_as_were_asked_for_and_none_that_an_earlier_dialog_asked_for) {
  subscribe(one_, {"scanner"});
  auto id = claim(one_, {{"one_at_a_time", true}});
  EXPECT_EQ(kind_of(one_.call("device.next", {{"claim", id}})), "result");
  EXPECT_EQ(kind_of(one_.call("device.next", {{"claim", id}})), "result");
  scan("first");
  scan("second");
  scan("third");
  EXPECT_EQ(next_scan(one_), "first");
  EXPECT_EQ(next_scan(one_), "second");
  EXPECT_TRUE(heard_nothing(one_, "scanner.scanned"));
  EXPECT_EQ(kind_of(one_.call("device.next", {{"claim", id}})), "result");
  EXPECT_EQ(next_scan(one_), "third");
  // A dialog asks, nobody scans, it is closed; another one opens.
  EXPECT_EQ(kind_of(one_.call("device.next", {{"claim", id}})), "result");
  claim(one_);
  claim(one_, {{"one_at_a_time", true}});
  scan("early");
  EXPECT_TRUE(heard_nothing(one_, "scanner.scanned"));
}

TEST_F(claiming, gives_a_connection_one_place_in_line) {
  auto id = claim(one_);
  std::vector<std::int64_t> many;
  for (int i = 0; i < 32; ++i)
    many.push_back(two_.send("device.claim", {{"device", "sim"}, {"wait_ms", 60'000}}));
  for (int i = 0; i < 31; ++i)
    EXPECT_EQ(kind_of(two_.answer(many[static_cast<std::size_t>(i)])), "cancelled");
  EXPECT_EQ(claim_of_sim().at("waiting").to_number<int>(), 1);
  auto third = sign_on(token_2_);
  auto waits = third.send("device.claim", {{"device", "sim"}, {"wait_ms", 60'000}});
  EXPECT_EQ(kind_of(third.call("system.ping")), "result");
  EXPECT_EQ(claim_of_sim().at("waiting").to_number<int>(), 2);
  EXPECT_EQ(kind_of(one_.call("device.release", {{"claim", id}})), "result");
  auto got = result_of(two_.answer(many.back()));
  EXPECT_EQ(kind_of(two_.call("device.release", {{"claim", got.at("claim")}})), "result");
  EXPECT_EQ(kind_of(third.answer(waits)), "result");
}

TEST_F(claiming, is_free_after_a_restart) {
  auto id = claim(one_);
  shop_.stop_till();
  shop_.start_till();
  wait_until_ready();
  admin_ = shop_.connect(true);
  EXPECT_TRUE(claim_of_sim().is_null());
  auto back = sign_on(token_1_);
  EXPECT_EQ(kind_of(back.call("device.claim", {{"claim", id}})), "claim_ended");
  EXPECT_EQ(kind_of(back.call("device.claim", {{"device", "sim"}})), "result");
  EXPECT_EQ(kind_of(back.call("device.claim", {{"device", "nothing"}})), "no_device");
}

TEST_F(claiming, tells_everybody_who_holds_what) {
  subscribe(two_, {"claims"});
  auto id = claim(one_, {{"time_limit_ms", 30'000}});
  auto changed = two_.next_event("claims.changed");
  ASSERT_TRUE(changed);
  EXPECT_EQ(changed->at("data").at("device").as_string(), "sim");
  EXPECT_TRUE(text_of(changed->at("data").at("claim").at("holder")).starts_with("token:"));
  EXPECT_FALSE(json::serialize(changed->at("data")).find(id) != std::string::npos)
      << "the id of a claim is its holder's";
  one_.call("device.release", {{"claim", id}});
  changed = two_.next_event("claims.changed");
  ASSERT_TRUE(changed);
  EXPECT_TRUE(changed->at("data").at("claim").is_null());
}

}  // namespace tilld::tests
