#include "base/clock.hpp"

#include <gtest/gtest.h>

#include <ctime>

#include "base/bytes.hpp"
#include "base/file.hpp"
#include "base/id.hpp"

using namespace tilld::base;

TEST(system_clock, tells_the_machine_s_time_in_milliseconds) {
  tilld::base::system_clock c;
  auto before = std::time(nullptr);
  auto now = c.now();
  auto after = std::time(nullptr);
  EXPECT_GE(now.unix_ms, static_cast<std::int64_t>(before) * 1000 - 1000);
  EXPECT_LE(now.unix_ms, (static_cast<std::int64_t>(after) + 1) * 1000);
}

TEST(system_clock, never_goes_back_on_its_monotonic_side) {
  tilld::base::system_clock c;
  auto last = c.monotonic_ms();
  for (int i = 0; i < 1000; ++i) {
    auto now = c.monotonic_ms();
    EXPECT_GE(now, last);
    last = now;
  }
}

TEST(system_clock, names_the_boot_that_its_monotonic_side_counts_from) {
  auto text = read_file("/proc/sys/kernel/random/boot_id");
  ASSERT_TRUE(text);
  auto boot = uuid::parse(as_text(*text).substr(0, 36));
  ASSERT_TRUE(boot);
  EXPECT_EQ(tilld::base::system_clock().now().boot_id, boot->octets);
}

TEST(test_clock, stands_until_it_is_moved) {
  test_clock c;
  auto first = c.now();
  EXPECT_EQ(c.now().unix_ms, first.unix_ms);
  c.advance(1500);
  EXPECT_EQ(c.now().unix_ms, first.unix_ms + 1500);
  EXPECT_EQ(c.now().monotonic_ms, first.monotonic_ms + 1500);
}
