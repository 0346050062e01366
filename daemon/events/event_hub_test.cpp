#include "daemon/events/event_hub.hpp"

#include <gtest/gtest.h>

using tilld::daemon::event;
using tilld::daemon::event_hub;

TEST(event_hub, tells_whole_topics_first_words_and_everything_and_nothing_else) {
  EXPECT_TRUE(event_hub::covers("scanner.scanned", "scanner.scanned"));
  EXPECT_TRUE(event_hub::covers("scanner", "scanner.scanned"));
  EXPECT_TRUE(event_hub::covers("*", "scanner.scanned"));
  EXPECT_FALSE(event_hub::covers("scan", "scanner.scanned"));
  EXPECT_FALSE(event_hub::covers("scanner.scanned", "scanner"));
  EXPECT_FALSE(event_hub::covers("", "scanner"));
}

TEST(event_hub, numbers_events_without_gaps_whoever_listens) {
  event_hub hub;
  hub.publish("a", "tilld", "{}");
  std::vector<std::uint64_t> heard;
  hub.subscribe({"b"}, [&](const event& e) { heard.push_back(e.number); });
  hub.publish("b", "tilld", "{}");
  hub.publish("a", "tilld", "{}");
  hub.publish("b", "tilld", "{}");
  EXPECT_EQ(heard, (std::vector<std::uint64_t>{2, 4}));
  EXPECT_EQ(hub.last_number(), 4u);
}

TEST(event_hub, tells_a_listener_of_two_fitting_topics_once) {
  event_hub hub;
  int heard = 0;
  hub.subscribe({"a", "*", "a.b"}, [&](const event&) { ++heard; });
  hub.publish("a.b", "tilld", "{}");
  EXPECT_EQ(heard, 1);
}

TEST(event_hub, bears_listeners_that_come_and_go_while_it_tells) {
  event_hub hub;
  std::uint64_t first = 0, second = 0;
  int heard_second = 0, heard_third = 0;
  first = hub.subscribe({"*"}, [&](const event&) {
    hub.unsubscribe(first);
    hub.unsubscribe(second);
    hub.subscribe({"*"}, [&](const event&) { ++heard_third; });
  });
  second = hub.subscribe({"*"}, [&](const event&) { ++heard_second; });
  hub.publish("a", "tilld", "{}");
  EXPECT_EQ(heard_second, 0);
  EXPECT_EQ(heard_third, 0) << "it came after the event";
  hub.publish("a", "tilld", "{}");
  EXPECT_EQ(heard_third, 1);
  EXPECT_FALSE(hub.unsubscribe(first));
}
