#include "base/id.hpp"

#include <gtest/gtest.h>

#include <set>

using namespace tilld::base;

TEST(uuid, carries_its_millisecond_version_and_variant) {
  auto id = uuid::v7(1'700'000'000'000);
  auto text = id.text();
  EXPECT_EQ(text.size(), 36u);
  EXPECT_EQ(text.substr(0, 15), "018bcfe5-6800-7") << text;
  EXPECT_NE(std::string("89ab").find(text[19]), std::string::npos) << text;
}

TEST(uuid, of_a_clock_before_1970_is_still_one) {
  EXPECT_EQ(uuid::v7(-5).text().substr(0, 15), "00000000-0000-7");
}

TEST(uuid, never_comes_twice) {
  std::set<uuid> seen;
  for (int i = 0; i < 20'000; ++i) EXPECT_TRUE(seen.insert(uuid::v7(1'700'000'000'000)).second);
}

TEST(uuid, sorts_by_its_millisecond) { EXPECT_LT(uuid::v7(1'700'000'000'000), uuid::v7(1'700'000'000'001)); }

TEST(uuid, is_read_in_either_case_and_written_in_lower_case) {
  auto id = uuid::parse("018BCFE5-6800-7abc-8123-456789ABCDEF");
  ASSERT_TRUE(id);
  EXPECT_EQ(id->text(), "018bcfe5-6800-7abc-8123-456789abcdef");
  EXPECT_EQ(uuid::parse(id->text()), id);
}

TEST(uuid, is_the_36_character_form_and_nothing_else) {
  for (auto wrong : {"", "018bcfe568007abc8123456789abcdef", "018bcfe5-6800-7abc-8123-456789abcdeg",
                     "018bcfe5-6800-7abc-8123-456789abcde", "018bcfe5-6800-7abc-8123-456789abcdef0",
                     "{018bcfe5-6800-7abc-8123-456789abcdef}", "018bcfe5-68007-abc-8123-456789abcdef",
                     "018bcfe5 6800-7abc-8123-456789abcdef", "-18bcfe5-6800-7abc-8123-456789abcdef",
                     "018bcfe5-6800-7abc-8123-456789abcde "})
    EXPECT_FALSE(uuid::parse(wrong)) << wrong;
}

TEST(short_name, is_1_to_32_lower_case_letters_digits_and_hyphens) {
  for (auto good : {"a", "till-1", "0", "berlin-mitte-3", "12345678901234567890123456789012"})
    EXPECT_TRUE(is_short_name(good)) << good;
  for (auto wrong :
       {"", "Till", "till_1", "till 1", "till.1", "till/1", "käse", "123456789012345678901234567890123"})
    EXPECT_FALSE(is_short_name(wrong)) << wrong;
  EXPECT_FALSE(is_short_name(std::string_view("till\0", 5)));
}

TEST(idempotency_key, is_1_to_64_printable_ascii_characters) {
  EXPECT_TRUE(is_idempotency_key("k"));
  EXPECT_TRUE(is_idempotency_key(" ~!\"#'\\"));
  EXPECT_TRUE(is_idempotency_key(std::string(64, 'k')));
  for (auto wrong : {"", "a\nb", "a\tb", "a\x7f", "schlüssel"})
    EXPECT_FALSE(is_idempotency_key(wrong)) << wrong;
  EXPECT_FALSE(is_idempotency_key(std::string(65, 'k')));
  EXPECT_FALSE(is_idempotency_key(std::string_view("k\0", 2)));
}
