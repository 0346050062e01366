#include "daemon/events/event_hub.hpp"

#include <gtest/gtest.h>

using tilld::daemon::dropped_events;
using tilld::daemon::event;
using tilld::daemon::event_hub;
using tilld::daemon::event_subscriber;

namespace {

tilld::base::test_clock clock_of_the_test;

template <class Told>
event_subscriber ear(Told told) {
  event_subscriber who;
  who.tell = [told](const event& e, bool) {
    told(e);
    return true;
  };
  return who;
}

// Somebody who reads as much as there is room for.
struct reader {
  std::vector<std::uint64_t> heard, missed;
  std::vector<dropped_events> dropped;
  std::size_t room = 1000;
  event_subscriber subscriber() {
    event_subscriber who;
    who.tell = [this](const event& e, bool before) {
      if (room == 0) return false;
      --room;
      (before ? missed : heard).push_back(e.number);
      return true;
    };
    who.tell_dropped = [this](const dropped_events& gap) {
      if (room == 0) return false;
      dropped.push_back(gap);
      return true;
    };
    return who;
  }
};

using numbers = std::vector<std::uint64_t>;

}  // namespace

TEST(event_hub, tells_whole_topics_first_words_and_everything_and_nothing_else) {
  EXPECT_TRUE(event_hub::covers("scanner.scanned", "scanner.scanned"));
  EXPECT_TRUE(event_hub::covers("scanner", "scanner.scanned"));
  EXPECT_TRUE(event_hub::covers("*", "scanner.scanned"));
  EXPECT_FALSE(event_hub::covers("scan", "scanner.scanned"));
  EXPECT_FALSE(event_hub::covers("scanner.scanned", "scanner"));
  EXPECT_FALSE(event_hub::covers("", "scanner"));
}

TEST(event_hub, numbers_events_without_gaps_whoever_listens) {
  event_hub hub(clock_of_the_test);
  hub.publish("a", "tilld", "{}");
  std::vector<std::uint64_t> heard;
  hub.subscribe({"b"}, ear([&](const event& e) { heard.push_back(e.number); }));
  hub.publish("b", "tilld", "{}");
  hub.publish("a", "tilld", "{}");
  hub.publish("b", "tilld", "{}");
  EXPECT_EQ(heard, (std::vector<std::uint64_t>{2, 4}));
  EXPECT_EQ(hub.last_number(), 4u);
}

TEST(event_hub, tells_a_listener_of_two_fitting_topics_once) {
  event_hub hub(clock_of_the_test);
  int heard = 0;
  hub.subscribe({"a", "*", "a.b"}, ear([&](const event&) { ++heard; }));
  hub.publish("a.b", "tilld", "{}");
  EXPECT_EQ(heard, 1);
}

TEST(event_hub, bears_listeners_that_come_and_go_while_it_tells) {
  event_hub hub(clock_of_the_test);
  std::uint64_t first = 0, second = 0;
  int heard_second = 0, heard_third = 0;
  first = hub.subscribe({"*"}, ear([&](const event&) {
                          hub.unsubscribe(first);
                          hub.unsubscribe(second);
                          hub.subscribe({"*"}, ear([&](const event&) { ++heard_third; }));
                        }));
  second = hub.subscribe({"*"}, ear([&](const event&) { ++heard_second; }));
  hub.publish("a", "tilld", "{}");
  EXPECT_EQ(heard_second, 0);
  EXPECT_EQ(heard_third, 0) << "it came after the event";
  hub.publish("a", "tilld", "{}");
  EXPECT_EQ(heard_third, 1);
  EXPECT_FALSE(hub.unsubscribe(first));
}

TEST(event_hub, goes_on_after_the_last_number_that_somebody_saw) {
  event_hub hub(clock_of_the_test);
  for (int i = 0; i < 5; ++i) hub.publish(i == 3 ? "b" : "a", "tilld", "{}");
  reader back;
  auto id = hub.subscribe({"a"}, back.subscriber(), 2);
  hub.resume(id);
  EXPECT_EQ(back.missed, (numbers{3, 5})) << "in order, and only of its topics";
  hub.publish("a", "tilld", "{}");
  EXPECT_EQ(back.heard, (numbers{6}));
  EXPECT_EQ(hub.lost_up_to(), 0u);
}

TEST(event_hub, keeps_so_many_events_and_so_many_octets_and_says_what_is_lost) {
  event_hub few(clock_of_the_test, 3);
  for (int i = 0; i < 5; ++i) few.publish("a", "tilld", "{}");
  EXPECT_EQ(few.lost_up_to(), 2u);
  reader back;
  few.resume(few.subscribe({"*"}, back.subscriber(), 0));
  EXPECT_EQ(back.missed, (numbers{3, 4, 5}));

  event_hub small(clock_of_the_test, 1000, 4000);
  reader live;
  small.subscribe({"*"}, live.subscriber());
  small.publish("a", "tilld", "{}");
  small.publish("a", "tilld", std::string(10'000, 'x'));
  EXPECT_EQ(live.heard, (numbers{1, 2})) << "what is too large to be kept is told all the same";
  EXPECT_EQ(small.lost_up_to(), 2u);
}

TEST(event_hub, tells_a_slow_reader_later_and_in_order) {
  event_hub hub(clock_of_the_test);
  reader slow;
  slow.room = 1;
  auto id = hub.subscribe({"*"}, slow.subscriber());
  for (int i = 0; i < 3; ++i) hub.publish("a", "tilld", "{}");
  EXPECT_EQ(slow.heard, (numbers{1}));
  slow.room = 10;
  hub.resume(id);
  EXPECT_EQ(slow.heard, (numbers{1, 2, 3}));
  EXPECT_TRUE(slow.dropped.empty());
}

TEST(event_hub, tells_who_was_too_slow_which_events_it_lost_before_the_next_one) {
  event_hub hub(clock_of_the_test, 4);
  reader slow, other;
  slow.room = 1;
  auto id = hub.subscribe({"a"}, slow.subscriber());
  hub.subscribe({"b"}, other.subscriber());
  for (int i = 0; i < 10; ++i) hub.publish(i == 4 ? "b" : "a", "tilld", "{}");
  slow.room = 10;
  hub.resume(id);
  ASSERT_EQ(slow.dropped.size(), 1u);
  EXPECT_EQ(slow.dropped[0].from, 2u);
  EXPECT_EQ(slow.dropped[0].to, 6u);
  EXPECT_EQ(slow.dropped[0].count, 4u) << "2, 3, 4 and 6; 5 is of another topic";
  EXPECT_EQ(slow.heard, (numbers{1, 7, 8, 9, 10}));
  EXPECT_TRUE(other.dropped.empty()) << "who keeps up loses nothing";
}

TEST(event_hub, keeps_only_the_last_of_what_tells_a_state) {
  event_hub hub(clock_of_the_test, 3);
  hub.publish("scanner.scanned", "scanner", "{}");
  for (int i = 0; i < 100; ++i) {
    event e;
    e.topic = "queue.changed";
    hub.publish(std::move(e), true);
  }
  reader back;
  hub.resume(hub.subscribe({"*"}, back.subscriber(), 0));
  EXPECT_EQ(back.missed, (numbers{1, 101})) << "a scan is not pushed out by a figure";
  EXPECT_EQ(hub.lost_up_to(), 0u);
}

TEST(event_hub, tells_only_those_who_may_see_it_also_later) {
  event_hub hub(clock_of_the_test);
  hub.publish("a.secret", "tilld", "{}");
  hub.publish("a.open", "tilld", "{}");
  reader who;
  auto subscriber = who.subscriber();
  subscriber.sees = [](const event& e) { return e.topic != "a.secret"; };
  hub.resume(hub.subscribe({"a"}, std::move(subscriber), 0));
  hub.publish("a.secret", "tilld", "{}");
  EXPECT_EQ(who.missed, (numbers{2}));
  EXPECT_TRUE(who.heard.empty());
}
