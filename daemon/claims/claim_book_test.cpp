#include "daemon/claims/claim_book.hpp"

#include <gtest/gtest.h>

using namespace tilld::daemon;
namespace step = tilld::daemon::claim_step;
using tilld::base::errc;

namespace {

const claimant till_1{"token:1", "till one/1", 11}, till_2{"token:2", "till two/1", 22},
    till_3{"token:3", "", 33};

claim_terms waiting(std::uint64_t ms) {
  claim_terms t;
  t.wait_ms = ms;
  return t;
}

class claims : public ::testing::Test {
 protected:
  // Moves the clock and lets time pass as a timer would: at each moment when there is something to do.
  void pass(std::uint64_t ms) {
    auto until = now_ + ms;
    for (auto next = book_.next_tick(); next && *next <= until; next = book_.next_tick()) {
      now_ = std::max(now_, *next);
      book_.tick(now_);
    }
    now_ = until;
    book_.tick(now_);
  }
  template <class Step>
  std::vector<Step> steps() {
    auto more = book_.take_steps();
    for (auto& one : more) all_.push_back(std::move(one));
    std::vector<Step> found;
    for (auto& one : all_)
      if (auto* s = std::get_if<Step>(&one)) found.push_back(*s);
    return found;
  }
  void forget() {
    book_.take_steps();
    all_.clear();
  }
  // The claim that was granted to a ticket; empty when none was.
  std::string granted(std::uint64_t ticket) {
    for (auto& g : steps<step::granted>())
      if (g.ticket == ticket) return g.claim;
    return "";
  }
  std::optional<errc> refused(std::uint64_t ticket) {
    for (auto& r : steps<step::refused>())
      if (r.ticket == ticket) return r.why.code;
    return std::nullopt;
  }
  std::string holder(const std::string& device = "scanner") {
    auto view = book_.find(device);
    return view ? view->holder.principal : "";
  }
  std::string claim(const claimant& who, const claim_terms& terms = {}) {
    return granted(book_.claim("scanner", who, terms, now_));
  }

  bool may_act(std::uint64_t connection, const std::string& principal, const std::string& claim) {
    auto view = book_.find("scanner");
    return !view || claim_book::is_holder(*view, connection, principal, claim);
  }

  int made_ = 0;
  std::uint64_t now_ = 1000;
  claim_book book_{[this] { return "claim-" + std::to_string(++made_); }};
  claim_steps all_;
};

}  // namespace

TEST_F(claims, give_a_free_device_at_once_and_say_so) {
  auto id = claim(till_1);
  EXPECT_EQ(id, "claim-1");
  EXPECT_EQ(holder(), "token:1");
  EXPECT_EQ(steps<step::changed>().size(), 1u);
  EXPECT_FALSE(book_.find("printer"));
}

TEST_F(claims, refuse_who_does_not_wait_and_name_the_holder) {
  claim(till_1);
  auto ticket = book_.claim("scanner", till_2, {}, now_);
  EXPECT_EQ(refused(ticket), errc::claimed);
  EXPECT_EQ(steps<step::refused>().front().why.detail, "scanner is claimed by token:1 (till one/1)");
  EXPECT_TRUE(steps<step::release_requested>().empty()) << "nobody waits for an answer";
}

TEST_F(claims, end_when_they_are_not_renewed) {
  auto id = claim(till_1);
  pass(59'999);
  EXPECT_EQ(holder(), "token:1");
  ASSERT_TRUE(book_.keep(id, till_1, now_));
  pass(59'999);
  EXPECT_EQ(holder(), "token:1");
  pass(1);
  EXPECT_EQ(holder(), "");
  ASSERT_EQ(steps<step::lost>().size(), 1u);
  EXPECT_EQ(steps<step::lost>()[0].why, "time_limit");
  EXPECT_EQ(book_.keep(id, till_1, now_).error().code, errc::claim_ended);
  EXPECT_FALSE(book_.next_tick()) << "nothing is left to wake up for";
}

TEST_F(claims, are_renewed_by_claiming_again) {
  auto id = claim(till_1);
  pass(50'000);
  EXPECT_EQ(claim(till_1), id);
  pass(50'000);
  EXPECT_EQ(holder(), "token:1");
}

TEST_F(claims, ask_the_holder_politely_and_pass_on_when_it_lets_go) {
  auto id = claim(till_1);
  auto ticket = book_.claim("scanner", till_2, waiting(10'000), now_);
  auto asked = steps<step::release_requested>();
  ASSERT_EQ(asked.size(), 1u);
  EXPECT_EQ(asked[0].connection, till_1.connection);
  EXPECT_EQ(asked[0].by, "token:2");
  EXPECT_EQ(asked[0].answer_within_ms, 2000u);
  ASSERT_TRUE(book_.release(id, till_1, now_));
  EXPECT_EQ(granted(ticket), "claim-2");
  EXPECT_EQ(holder(), "token:2");
  EXPECT_TRUE(steps<step::lost>().empty()) << "who lets go has not lost it";
}

TEST_F(claims, stay_with_a_holder_that_retains_while_the_other_stays_in_line) {
  auto id = claim(till_1);
  auto ticket = book_.claim("scanner", till_2, waiting(10'000), now_);
  ASSERT_TRUE(book_.retain(id, till_1, now_));
  pass(5000);
  EXPECT_EQ(holder(), "token:1");
  EXPECT_FALSE(refused(ticket));
  pass(5000);
  EXPECT_EQ(refused(ticket), errc::claimed);
  EXPECT_EQ(holder(), "token:1");
}

TEST_F(claims, are_lost_by_a_holder_that_does_not_answer) {
  claim(till_1);
  auto ticket = book_.claim("scanner", till_2, waiting(10'000), now_);
  pass(1999);
  EXPECT_EQ(granted(ticket), "");
  pass(1);
  EXPECT_EQ(granted(ticket), "claim-2");
  ASSERT_EQ(steps<step::lost>().size(), 1u);
  EXPECT_EQ(steps<step::lost>()[0].why, "no_answer");
  EXPECT_EQ(steps<step::lost>()[0].by, "token:2");
  EXPECT_EQ(steps<step::lost>()[0].connection, till_1.connection);
}

TEST_F(claims, stay_when_the_one_who_asked_gives_up_first) {
  claim(till_1);
  auto ticket = book_.claim("scanner", till_2, waiting(1000), now_);
  pass(1000);
  EXPECT_EQ(refused(ticket), errc::claimed);
  pass(5000);
  EXPECT_EQ(holder(), "token:1") << "the question is none any more";
}

TEST_F(claims, are_granted_to_a_wait_that_is_as_long_as_the_question) {
  claim(till_1);
  auto ticket = book_.claim("scanner", till_2, waiting(2000), now_);
  pass(2000);
  EXPECT_NE(granted(ticket), "");
}

TEST_F(claims, keep_the_order_of_arrival) {
  auto id = claim(till_1);
  auto second = book_.claim("scanner", till_2, waiting(60'000), now_);
  auto third = book_.claim("scanner", till_3, waiting(60'000), now_);
  EXPECT_EQ(book_.find("scanner")->waiting, 2u);
  forget();
  ASSERT_TRUE(book_.release(id, till_1, now_));
  EXPECT_NE(granted(second), "");
  EXPECT_EQ(granted(third), "");
  ASSERT_EQ(steps<step::release_requested>().size(), 1u) << "the new holder learns that somebody waits";
  EXPECT_EQ(steps<step::release_requested>()[0].connection, till_2.connection);
  pass(2000);
  EXPECT_NE(granted(third), "");
}

TEST_F(claims, bound_the_line) {
  claim(till_1);
  for (std::uint64_t i = 0; i < claim_book::waiting_max; ++i) {
    claimant one{"token:x", "", 100 + i};
    EXPECT_FALSE(refused(book_.claim("scanner", one, waiting(10'000), now_)));
  }
  EXPECT_EQ(refused(book_.claim("scanner", till_2, waiting(10'000), now_)), errc::busy);
}

TEST_F(claims, ask_anew_for_each_who_comes_after_a_retain) {
  auto id = claim(till_1);
  book_.claim("scanner", till_2, waiting(60'000), now_);
  ASSERT_TRUE(book_.retain(id, till_1, now_));
  pass(3000);
  book_.claim("scanner", till_3, waiting(60'000), now_);
  EXPECT_EQ(steps<step::release_requested>().size(), 2u);
  pass(2000);
  EXPECT_EQ(holder(), "token:2") << "who came first is first";
}

TEST_F(claims, can_be_taken_by_force_and_tell_the_former_holder) {
  auto old = claim(till_1);
  auto line = book_.claim("scanner", till_3, waiting(60'000), now_);
  auto taken = book_.take("scanner", till_2, {}, now_);
  EXPECT_NE(granted(taken), "");
  EXPECT_EQ(holder(), "token:2");
  ASSERT_EQ(steps<step::lost>().size(), 1u);
  EXPECT_EQ(steps<step::lost>()[0].why, "taken");
  EXPECT_EQ(steps<step::lost>()[0].by, "token:2");
  EXPECT_EQ(granted(line), "") << "the line stands";
  EXPECT_EQ(book_.release(old, till_1, now_).error().code, errc::claim_ended);
}

TEST_F(claims, wait_for_a_holder_that_hung_up_until_their_time_ends) {
  auto id = claim(till_1);
  book_.hang_up(till_1.connection);
  EXPECT_EQ(book_.find("scanner")->holder.connection, 0u);
  pass(30'000);
  claimant back{"token:1", "till one/1", 44};
  EXPECT_EQ(granted(book_.take_up(id, back, {}, now_)), id);
  EXPECT_EQ(book_.find("scanner")->holder.connection, 44u);
  book_.hang_up(44);
  pass(60'000);
  EXPECT_EQ(holder(), "");
  EXPECT_EQ(refused(book_.take_up(id, back, {}, now_)), errc::claim_ended);
}

TEST_F(claims, go_to_the_next_when_a_holder_that_hung_up_is_asked_and_does_not_come_back) {
  claim(till_1);
  book_.hang_up(till_1.connection);
  auto ticket = book_.claim("scanner", till_2, waiting(10'000), now_);
  pass(2000);
  EXPECT_NE(granted(ticket), "");
}

TEST_F(claims, are_not_taken_up_by_another_principal) {
  auto id = claim(till_1);
  EXPECT_EQ(refused(book_.take_up(id, till_2, {}, now_)), errc::claim_ended);
  EXPECT_EQ(book_.release(id, till_2, now_).error().code, errc::claim_ended);
  EXPECT_EQ(book_.next(id, till_2).error().code, errc::claim_ended);
  EXPECT_EQ(holder(), "token:1");
}

TEST_F(claims, do_not_wait_for_those_who_hung_up_in_line) {
  auto id = claim(till_1);
  book_.claim("scanner", till_2, waiting(60'000), now_);
  book_.hang_up(till_2.connection);
  EXPECT_EQ(book_.find("scanner")->waiting, 0u);
  pass(5000);
  EXPECT_EQ(holder(), "token:1") << "the question went with who asked it";
  ASSERT_TRUE(book_.release(id, till_1, now_));
  EXPECT_EQ(holder(), "");
}

TEST_F(claims, do_not_mistake_two_without_a_connection_for_each_other) {
  auto id = claim(till_1);
  book_.hang_up(till_1.connection);
  claimant one_shot{"token:2", "", 0};
  EXPECT_EQ(refused(book_.claim("scanner", one_shot, {}, now_)), errc::claimed);
  EXPECT_FALSE(may_act(0, "token:2", ""));
  EXPECT_TRUE(may_act(0, "token:1", id));
}

TEST_F(claims, let_only_the_holder_act) {
  EXPECT_TRUE(may_act(22, "token:2", "")) << "without a claim a device is shared";
  auto id = claim(till_1);
  EXPECT_TRUE(may_act(11, "token:1", ""));
  EXPECT_FALSE(may_act(22, "token:2", ""));
  EXPECT_FALSE(may_act(22, "token:2", id)) << "a claim is not handed on";
  EXPECT_FALSE(may_act(12, "token:1", "")) << "two programs may be one principal";
  EXPECT_TRUE(may_act(12, "token:1", id));
}

TEST_F(claims, do_not_let_a_connection_wait_for_itself) {
  claim(till_1);
  auto a = book_.claim("scanner", till_2, waiting(60'000), now_);
  auto b = book_.take("scanner", till_2, {}, now_);
  EXPECT_EQ(granted(a), "claim-2");
  EXPECT_EQ(granted(b), "claim-2");
  EXPECT_EQ(book_.find("scanner")->waiting, 0u);
  pass(5000);
  EXPECT_EQ(holder(), "token:2");
}

TEST_F(claims, share_input_of_free_devices_and_keep_that_of_claimed_ones_for_the_holder) {
  EXPECT_FALSE(book_.input("scanner", {"scanner.scanned", "{}"}));
  claim(till_1);
  EXPECT_TRUE(book_.input("scanner", {"scanner.scanned", "{}"}));
  ASSERT_EQ(steps<step::deliver>().size(), 1u);
  EXPECT_EQ(steps<step::deliver>()[0].connection, till_1.connection);
  EXPECT_FALSE(book_.input("other", {"scanner.scanned", "{}"}));
}

TEST_F(claims, give_input_one_at_a_time) {
  claim_terms one;
  one.one_at_a_time = true;
  auto id = claim(till_1, one);
  book_.input("scanner", {"scanner.scanned", "1"});
  book_.input("scanner", {"scanner.scanned", "2"});
  EXPECT_TRUE(steps<step::deliver>().empty()) << "nothing comes before it is asked for";
  auto next = book_.next(id, till_1);
  ASSERT_TRUE(next);
  EXPECT_EQ(next->waiting, 1u);
  ASSERT_EQ(steps<step::deliver>().size(), 1u);
  EXPECT_EQ(steps<step::deliver>()[0].input.data, "1");
  ASSERT_TRUE(book_.next(id, till_1));
  ASSERT_TRUE(book_.next(id, till_1));
  EXPECT_EQ(steps<step::deliver>().size(), 2u) << "the queue is empty";
  book_.input("scanner", {"scanner.scanned", "3"});
  book_.input("scanner", {"scanner.scanned", "4"});
  ASSERT_EQ(steps<step::deliver>().size(), 3u) << "asked for one, got one";
  EXPECT_EQ(steps<step::deliver>()[2].input.data, "3");
}

TEST_F(claims, tell_when_input_overflows_and_keep_what_came_first) {
  claim_terms one;
  one.one_at_a_time = true;
  auto id = claim(till_1, one);
  for (std::size_t i = 0; i < claim_book::inputs_held_max + 3; ++i)
    book_.input("scanner", {"scanner.scanned", std::to_string(i)});
  EXPECT_EQ(steps<step::input_dropped>().size(), 1u) << "told once a row";
  auto next = book_.next(id, till_1);
  ASSERT_TRUE(next);
  EXPECT_EQ(next->dropped, 3u);
  EXPECT_EQ(steps<step::deliver>()[0].input.data, "0");
  EXPECT_EQ(book_.next(id, till_1)->dropped, 0u);
  book_.input("scanner", {"scanner.scanned", std::string(claim_book::inputs_octets_max, 'x')});
  EXPECT_EQ(steps<step::input_dropped>().size(), 2u) << "octets are bounded too";
}

TEST_F(claims, throw_held_input_away_with_the_claim) {
  claim_terms one;
  one.one_at_a_time = true;
  auto id = claim(till_1, one);
  book_.input("scanner", {"scanner.scanned", "for till one"});
  ASSERT_TRUE(book_.release(id, till_1, now_));
  auto second = claim(till_2, one);
  ASSERT_TRUE(book_.next(second, till_2));
  EXPECT_TRUE(steps<step::deliver>().empty()) << "what one till scanned is no other's";
}

TEST_F(claims, give_everything_when_one_at_a_time_is_switched_off) {
  claim_terms one;
  one.one_at_a_time = true;
  auto id = claim(till_1, one);
  book_.input("scanner", {"scanner.scanned", "1"});
  book_.input("scanner", {"scanner.scanned", "2"});
  EXPECT_EQ(claim(till_1), id);
  EXPECT_EQ(steps<step::deliver>().size(), 2u);
  EXPECT_EQ(book_.next(id, till_1).error().code, errc::invalid_params);
}

TEST_F(claims, let_as_many_inputs_through_as_were_asked_for) {
  claim_terms dialog;
  dialog.one_at_a_time = true;
  auto id = claim(till_1, dialog);
  for (int i = 0; i < 2; ++i) ASSERT_TRUE(book_.next(id, till_1));
  for (auto text : {"1", "2", "3"}) EXPECT_TRUE(book_.input("scanner", {"scanner.scanned", text}));
  auto told = steps<step::deliver>();
  ASSERT_EQ(told.size(), 2u);
  EXPECT_EQ(told[1].input.data, "2");
  EXPECT_EQ(book_.find("scanner")->inputs_held, 1u);
  ASSERT_TRUE(book_.next(id, till_1));
  for (std::size_t i = 0; i < claim_book::inputs_held_max; ++i) ASSERT_TRUE(book_.next(id, till_1));
  EXPECT_EQ(book_.next(id, till_1).error().code, errc::busy) << "there is an end to that";
}

TEST_F(claims, keep_nothing_that_was_asked_for_before_the_terms_were_new) {
  claim_terms dialog;
  dialog.one_at_a_time = true;
  auto id = claim(till_1, dialog);
  ASSERT_TRUE(book_.next(id, till_1));
  claim(till_1);
  claim(till_1, dialog);
  book_.input("scanner", {"scanner.scanned", "early"});
  EXPECT_TRUE(steps<step::deliver>().empty());
  ASSERT_TRUE(book_.next(id, till_1));
  ASSERT_TRUE(book_.next(id, till_1));
  auto again = till_1;
  again.connection = 12;
  book_.take_up(id, again, dialog, now_);
  forget();
  book_.input("scanner", {"scanner.scanned", "early"});
  EXPECT_TRUE(steps<step::deliver>().empty()) << "the connection that asked is another one";
}

TEST_F(claims, have_one_place_in_line_for_a_connection) {
  claim(till_1);
  auto first = book_.claim("scanner", till_2, waiting(60'000), now_);
  auto third = book_.claim("scanner", till_3, waiting(60'000), now_);
  auto second = book_.claim("scanner", till_2, waiting(60'000), now_);
  EXPECT_EQ(refused(first), errc::cancelled);
  EXPECT_EQ(book_.find("scanner")->waiting, 2u);
  ASSERT_TRUE(book_.release("claim-1", till_1, now_));
  EXPECT_EQ(granted(second), "claim-2") << "it kept the place of the first";
  EXPECT_EQ(granted(third), "");
}
