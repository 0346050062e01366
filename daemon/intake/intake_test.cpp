#include "daemon/intake/intake.hpp"

#include <gtest/gtest.h>

#include <boost/json.hpp>

using namespace tilld;
using namespace tilld::daemon;

namespace {

base::hash256 mac(std::uint8_t n) {
  base::hash256 h{};
  h[0] = n;
  return h;
}

intake_decision decide_on(operation_state state, answer_kind kind = answer_kind::result) {
  operation_row row;
  row.content_mac = mac(1);
  row.state = state;
  row.kind = kind;
  return decide(row, mac(1));
}

base::hash256 mac_of(const char* text, std::uint8_t key = 9,
                     std::initializer_list<std::string_view> secret = {}) {
  base::byte_string mac_key(32, key);
  std::vector<std::string_view> members(secret);
  return content_mac(mac_key, boost::json::parse(text).as_object(), members);
}

}  // namespace

TEST(intake, runs_what_it_never_saw) { EXPECT_EQ(decide(std::nullopt, mac(1)), intake_decision::run); }

TEST(intake, repeats_what_is_done_and_says_so_when_the_answer_is_gone) {
  EXPECT_EQ(decide_on(operation_state::done), intake_decision::replay);
  EXPECT_EQ(decide_on(operation_state::done, answer_kind::error), intake_decision::replay);
  EXPECT_EQ(decide_on(operation_state::done, answer_kind::expired), intake_decision::expired);
}

TEST(intake, runs_again_what_failed_before_the_device_could_act) {
  EXPECT_EQ(decide_on(operation_state::failed, answer_kind::none), intake_decision::run);
}

TEST(intake, never_runs_again_what_nobody_knows) {
  EXPECT_EQ(decide_on(operation_state::unknown, answer_kind::none), intake_decision::ask_outcome);
  EXPECT_EQ(decide_on(operation_state::running, answer_kind::none), intake_decision::ask_outcome);
}

TEST(intake, refuses_other_content_under_the_same_key_whatever_became_of_the_first) {
  for (auto state :
       {operation_state::running, operation_state::done, operation_state::failed, operation_state::unknown}) {
    operation_row row;
    row.content_mac = mac(1);
    row.state = state;
    EXPECT_EQ(decide(row, mac(2)), intake_decision::conflict);
  }
}

TEST(intake, takes_the_same_content_for_the_same_however_it_is_written) {
  EXPECT_EQ(mac_of(R"({"a":1,"b":{"c":"x","d":[1,2]}})"),
            mac_of(R"({ "b": {"d":[1,2], "c":"\u0078"}, "a": 1 })"));
  EXPECT_NE(mac_of(R"({"a":1})"), mac_of(R"({"a":2})"));
  EXPECT_NE(mac_of(R"({"a":[1,2]})"), mac_of(R"({"a":[2,1]})"));
  EXPECT_NE(mac_of(R"({"a":"1"})"), mac_of(R"({"a":1})"));
}

TEST(intake, leaves_the_key_itself_and_secret_members_out_of_the_content) {
  EXPECT_EQ(mac_of(R"({"idempotency_key":"k1","a":1})"), mac_of(R"({"idempotency_key":"k2","a":1})"));
  EXPECT_EQ(mac_of(R"({"pin":"1234","a":1})", 9, {"pin"}), mac_of(R"({"pin":"9876","a":1})", 9, {"pin"}));
  EXPECT_NE(mac_of(R"({"pin":"1234","a":1})"), mac_of(R"({"pin":"9876","a":1})"));
}

TEST(intake, gives_every_till_other_numbers_for_the_same_content) {
  EXPECT_NE(mac_of(R"({"a":1})", 9), mac_of(R"({"a":1})", 10));
}
