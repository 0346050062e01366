#include "daemon/plugin_host/text.hpp"

#include <gtest/gtest.h>

namespace tilld::daemon::plugin_host {
namespace {

TEST(readable_text, keeps_what_is_utf_8) {
  EXPECT_EQ(readable("Drucker: Papier € 🧾"), "Drucker: Papier € 🧾");
}

TEST(readable_text, marks_what_is_not) {
  EXPECT_EQ(readable("a\xff\x80z"), "a??z");
  EXPECT_EQ(readable("two\nlines\x7f\x1b[2J"), "two?lines??[2J");
  EXPECT_EQ(readable("\xc0\xaf"), "??") << "a long form of /";
  EXPECT_EQ(readable("\xed\xa0\x80"), "???") << "half of a surrogate pair";
  EXPECT_EQ(readable("\xf4\x90\x80\x80"), "????") << "beyond the last character";
}

TEST(readable_text, drops_a_character_that_was_cut) { EXPECT_EQ(readable("5 \xe2\x82"), "5 "); }

}  // namespace
}  // namespace tilld::daemon::plugin_host
