#include "ctl/phrase.hpp"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <time.h>

#include <boost/json.hpp>

namespace tilld::ctl {
namespace {

TEST(phrase, says_durations_as_people_do) {
  EXPECT_EQ(duration(-5), "0 s");
  EXPECT_EQ(duration(999), "0 s");
  EXPECT_EQ(duration(59'999), "59 s");
  EXPECT_EQ(duration(60'000), "1 min");
  EXPECT_EQ(duration(3'600'000), "1 h");
  EXPECT_EQ(duration((3 * 60 + 12) * 60'000), "3 h 12 min");
  EXPECT_EQ(duration(24ll * 3'600'000), "1 day");
  EXPECT_EQ(duration(50ll * 3'600'000), "2 days 2 h");
}

TEST(phrase, says_moments_in_the_time_zone_of_the_machine) {
  ::setenv("TZ", "UTC", 1);
  ::tzset();
  EXPECT_EQ(moment(0), "1970-01-01 00:00:00");
  EXPECT_EQ(moment(1'700'000'000'999), "2023-11-14 22:13:20");
  EXPECT_EQ(moment(-1), "1969-12-31 23:59:59");
  ::setenv("TZ", "Europe/Berlin", 1);
  ::tzset();
  EXPECT_EQ(moment(1'700'000'000'000), "2023-11-14 23:13:20");
  ::unsetenv("TZ");
  ::tzset();
}

TEST(phrase, groups_figures) {
  EXPECT_EQ(figure(0), "0");
  EXPECT_EQ(figure(999), "999");
  EXPECT_EQ(figure(1204), "1,204");
  EXPECT_EQ(figure(-999), "-999");
  EXPECT_EQ(figure(-1'234'567), "-1,234,567");
  EXPECT_EQ(count(1, "record", "records"), "1 record");
  EXPECT_EQ(count(1204, "record", "records"), "1,204 records");
}

TEST(phrase, says_money_of_several_currencies_with_their_own_digits) {
  auto list = boost::json::parse(
      R"([{"minor":41230,"currency":"EUR"},{"minor":500,"currency":"JPY"},{"minor":-1,"currency":"EUR"}])");
  EXPECT_EQ(money(list.as_array()), "412.30 EUR + 500 JPY + -0.01 EUR");
  EXPECT_EQ(money({}), "");
  EXPECT_EQ(money(boost::json::parse(R"([{"minor":1.5,"currency":"EUR"},{"currency":"EUR"},7])").as_array()),
            "");
}

TEST(phrase, lets_nothing_of_elsewhere_write_to_the_terminal) {
  EXPECT_EQ(harmless("a\x1b[2Jb\nc\x7f"), "a [2Jb c ");
  EXPECT_EQ(harmless("Brötchen 纸"), "Brötchen 纸");
  EXPECT_EQ(harmless("a\xc2\x9bz"), "a z");
  EXPECT_EQ(short_hash("0123456789abcdef0123"), "012345…ef0123");
  EXPECT_EQ(short_hash("abc"), "abc");
}

}  // namespace
}  // namespace tilld::ctl
