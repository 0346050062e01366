#include "daemon/events/device_states.hpp"

#include <gtest/gtest.h>

#include <boost/json.hpp>

using tilld::daemon::device_states;
namespace json = boost::json;

TEST(device_states, are_unknown_until_something_was_said_and_again_when_it_is_forgotten) {
  device_states states;
  json::object nothing{{"paper", "unknown"}, {"cover", "unknown"}, {"drawer", "unknown"}};
  EXPECT_EQ(states.printer("sim"), nothing);
  EXPECT_EQ(states.reader("sim"), (json::object{{"card", "unknown"}}));
  states.said("printer.status_changed", "sim", R"({"online":true,"paper":"low"})", 17);
  EXPECT_EQ(states.printer("sim"), (json::object{{"online", true}, {"paper", "low"}, {"said_ms", 17}}));
  EXPECT_EQ(states.printer("other"), nothing);
  states.forget("sim");
  EXPECT_EQ(states.printer("sim"), nothing);
}

TEST(device_states, know_of_a_card_that_it_lies_there_and_not_which) {
  device_states states;
  states.said("reader.presented", "sim", R"({"presentation":4,"uid":"04A1B2"})", 5);
  EXPECT_EQ(states.reader("sim"), (json::object{{"card", "present"}, {"presentation", 4}, {"said_ms", 5}}));
  states.said("reader.removed", "sim", R"({"presentation":3})", 6);
  EXPECT_EQ(states.reader("sim").at("card"), "present") << "another one went";
  states.said("reader.removed", "sim", R"({"presentation":4})", 7);
  EXPECT_EQ(states.reader("sim"), (json::object{{"card", "none"}, {"said_ms", 7}}));
}

TEST(device_states, pass_over_what_tells_no_state) {
  device_states states;
  states.said("scanner.scanned", "sim", R"({"text":"4006381333931"})", 5);
  EXPECT_EQ(states.reader("sim"), (json::object{{"card", "unknown"}}));
}
