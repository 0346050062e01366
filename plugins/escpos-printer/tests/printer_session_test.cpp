#include "plugins/escpos-printer/printer_session.hpp"

#include <gtest/gtest.h>

namespace tilld::escpos {
namespace {

using namespace std::chrono_literals;
using namespace std::string_literals;

const std::string real_time_questions = "\x10\x04\x01\x10\x04\x02\x10\x04\x04"s;
const std::string all_well = "\x12\x12\x12"s;

// Cuts the process id out of what the session says.
std::string process_id_in(const std::string& output) {
  auto at = output.find("\x1d(H\x06"s);
  return at == output.npos ? "" : output.substr(at + 7, 4);
}
std::string done(const std::string& id) { return "\x37\x22" + id + '\0'; }

TEST(printer_session, asks_everything_when_it_connects) {
  printer_session session(std::nullopt, 0);
  session.connected(0ms, 0);
  auto said = session.take_output();
  EXPECT_TRUE(said.starts_with(real_time_questions +
                               "\x1d"
                               "a\xff"s +
                               "\x1dIC"));
  EXPECT_EQ(process_id_in(said), "0000");
  EXPECT_TRUE(said.ends_with("\x1dr\x01"));
  EXPECT_TRUE(session.asking());
}

TEST(printer_session, finds_the_level_in_the_order_of_the_answers) {
  printer_session with_ids(std::nullopt, 7);
  with_ids.connected(0ms, 0);
  with_ids.eat(all_well + done(process_id_in(with_ids.take_output())), 10ms);
  EXPECT_EQ(with_ids.level(), confirm_level::process_id);
  EXPECT_FALSE(with_ids.asking());

  printer_session without_ids(std::nullopt, 7);
  without_ids.connected(0ms, 0);
  without_ids.eat(all_well, 10ms);
  EXPECT_TRUE(without_ids.asking());
  without_ids.eat("\0"s, 20ms);
  EXPECT_EQ(without_ids.level(), confirm_level::gs_r);
  EXPECT_FALSE(without_ids.asking());

  printer_session mute(std::nullopt, 7);
  mute.connected(0ms, 0);
  mute.advance(*mute.wake_at() - 1ms);
  EXPECT_TRUE(mute.asking());
  mute.advance(*mute.wake_at());
  EXPECT_EQ(mute.level(), confirm_level::sent);
  EXPECT_FALSE(mute.asking());
}

TEST(printer_session, leaves_the_level_open_while_the_printer_is_offline) {
  printer_session session(std::nullopt, 0);
  session.connected(0ms, 0);
  auto id = process_id_in(session.take_output());
  session.eat("\x1a\x16\x12"s, 10ms);  // offline, because the cover is open
  session.advance(2000ms);
  EXPECT_FALSE(session.level().has_value());
  EXPECT_FALSE(session.asking());
  EXPECT_EQ(session.flags().cover_open, true);
  session.eat("\x10\0\0\0"s + done(id) + "\0"s, 5000ms);  // the cover is closed, and the queue goes on
  EXPECT_EQ(session.level(), confirm_level::process_id);
  EXPECT_EQ(session.flags().cover_open, false);
}

TEST(printer_session, asks_for_the_level_again_until_it_knows) {
  printer_session session(std::nullopt, 0);
  session.connected(0ms, 0);
  session.take_output();
  session.eat("\x1a\x12\x72"s, 10ms);  // no paper
  session.advance(2000ms);
  session.ask_condition(3000ms);
  auto said = session.take_output();
  EXPECT_TRUE(said.starts_with(real_time_questions));
  session.eat(all_well + done(process_id_in(said)), 3010ms);
  EXPECT_EQ(session.level(), confirm_level::process_id);
}

TEST(printer_session, does_not_wait_for_real_time_answers_that_never_came) {
  printer_session session(std::nullopt, 0);
  session.connected(0ms, 0);
  session.take_output();
  session.eat("\0"s, 10ms);
  session.advance(2000ms);
  ASSERT_EQ(session.level(), confirm_level::gs_r);
  session.ask_condition(3000ms);
  EXPECT_FALSE(session.asking());
  EXPECT_EQ(session.take_output(), "");
}

TEST(printer_session, confirms_exactly_what_the_printer_names) {
  printer_session session(confirm_level::process_id, 100);
  session.connected(0ms, 0);
  EXPECT_EQ(process_id_in(session.take_output()), "");  // the level was told
  auto first = process_id_in(session.closing_question(1)),
       second = process_id_in(session.closing_question(2));
  EXPECT_NE(first, second);
  session.eat(done("~~~~"), 10ms);
  EXPECT_TRUE(session.take_confirmed().empty());
  // The first may have been cleared from the printer's buffer; the second says nothing of it.
  session.eat(done(second), 10ms);
  EXPECT_EQ(session.take_confirmed(), std::vector<std::uint64_t>{2});
  session.eat(done(first) + done(second), 10ms);
  EXPECT_EQ(session.take_confirmed(), std::vector<std::uint64_t>{1});
}

TEST(printer_session, sends_zeros_first_after_a_receipt_that_was_cut_off) {
  printer_session session(std::nullopt, 0);
  session.connected(0ms, 6144);
  EXPECT_TRUE(session.take_output().starts_with(std::string(6144, '\0') + real_time_questions));
}

TEST(printer_session, an_answer_of_the_last_connection_is_not_taken_for_one_of_this) {
  printer_session session(std::nullopt, 0);
  session.connected(0ms, 0);
  auto old_id = process_id_in(session.take_output());
  session.eat("\x14\0"s, 10ms);  // half an automatic status
  session.closed();
  session.connected(5000ms, 0);
  session.take_output();
  session.eat(all_well + done(old_id), 5010ms);
  EXPECT_FALSE(session.level().has_value());
}

}  // namespace
}  // namespace tilld::escpos
