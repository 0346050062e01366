#include "daemon/plugins/supervision.hpp"

#include <gtest/gtest.h>

using tilld::daemon::plugin_state;
using tilld::daemon::supervision;

namespace {

std::uint64_t die(supervision& s, std::uint64_t now) {
  s.started(now);
  s.ready(now);
  s.ended(supervision::ending::died, "signal 11", now);
  return s.wait_ms();
}

}  // namespace

TEST(supervision, waits_longer_after_each_death) {
  supervision s;
  EXPECT_EQ(die(s, 0), 1000u);
  EXPECT_EQ(die(s, 1000), 2000u);
  EXPECT_EQ(die(s, 3000), 4000u);
  EXPECT_EQ(s.restarts(), 2u);
}

TEST(supervision, gives_up_at_the_fifth_death_in_ten_minutes_and_keeps_the_reason) {
  supervision s;
  for (int i = 0; i < 4; ++i) die(s, static_cast<std::uint64_t>(i) * 60'000);
  EXPECT_EQ(s.state(), plugin_state::waiting);
  die(s, 5 * 60'000);
  EXPECT_EQ(s.state(), plugin_state::failed);
  EXPECT_EQ(s.reason(), "signal 11");
}

TEST(supervision, does_not_give_up_when_the_deaths_are_far_apart) {
  supervision s;
  for (std::uint64_t i = 0; i < 50; ++i) die(s, i * 151'000);
  EXPECT_EQ(s.state(), plugin_state::waiting);
  EXPECT_LE(s.wait_ms(), supervision::wait_ms_max);
}

TEST(supervision, starts_from_one_second_after_ten_quiet_minutes) {
  supervision s;
  for (std::uint64_t i = 0; i < 4; ++i) die(s, i * 10'000);
  s.started(100'000);
  s.ready(100'000);
  s.ended(supervision::ending::died, "signal 6", 100'000 + supervision::quiet_ms);
  EXPECT_EQ(s.wait_ms(), 1000u);
}

TEST(supervision, looks_for_a_missing_device_for_ever) {
  supervision s;
  for (std::uint64_t i = 0; i < 1000; ++i) {
    s.started(i * 100);
    s.ended(supervision::ending::device_gone, "scanner unplugged", i * 100);
    ASSERT_EQ(s.state(), plugin_state::waiting);
    ASSERT_LE(s.wait_ms(), supervision::device_wait_ms_max);
  }
}

TEST(supervision, leaves_a_wrong_configuration_alone_until_a_person_restarts_it) {
  supervision s;
  s.started(0);
  s.ended(supervision::ending::misconfigured, "port is missing", 10);
  EXPECT_EQ(s.state(), plugin_state::misconfigured);
  s.restart();
  EXPECT_EQ(s.state(), plugin_state::starting);
}
