#include "ctl/terminal.hpp"

#include <gtest/gtest.h>
#include <stdlib.h>

namespace tilld::ctl {
namespace {

TEST(terminal, counts_columns_and_not_octets) {
  EXPECT_EQ(display_width("abc"), 3u);
  EXPECT_EQ(display_width("Brötchen"), 8u);
  EXPECT_EQ(display_width("纸用完了"), 8u);
  EXPECT_EQ(display_width("e\xcc\x81"), 1u);
  EXPECT_EQ(display_width("\x1b[1;31mbad\x1b[0m"), 3u);
  EXPECT_EQ(display_width("\x1b[1"), 0u);
  EXPECT_EQ(display_width("\xff\xfe"), 2u);
}

TEST(terminal, lines_columns_up_under_wide_characters_and_colour) {
  style plain, coloured{true};
  table t({"Name", "State"});
  t.row({"纸", "ready"});
  t.row({"printer", "failed"});
  t.note("died five times");
  EXPECT_EQ(t.text(plain),
            "Name     State\n"
            "纸       ready\n"
            "printer  failed\n"
            "  died five times\n");
  table c({"Name", "State"});
  c.row({coloured.good("ok"), "x"});
  EXPECT_EQ(c.text(coloured), "\x1b[2mName\x1b[0m  \x1b[2mState\x1b[0m\n\x1b[32mok\x1b[0m    x\n");
}

TEST(terminal, leaves_no_spaces_at_the_end_of_a_line) {
  table t({"A", "B"});
  t.row({"1", ""});
  EXPECT_EQ(t.text({}, "  "), "  A  B\n  1\n");
}

TEST(terminal, is_colourless_where_somebody_said_so) {
  ::setenv("TERM", "xterm", 1);
  ::unsetenv("NO_COLOR");
  EXPECT_TRUE(wants_colour(true));
  EXPECT_FALSE(wants_colour(false));
  ::setenv("NO_COLOR", "", 1);
  EXPECT_TRUE(wants_colour(true));
  ::setenv("NO_COLOR", "1", 1);
  EXPECT_FALSE(wants_colour(true));
  ::unsetenv("NO_COLOR");
  ::setenv("TERM", "dumb", 1);
  EXPECT_FALSE(wants_colour(true));
  ::unsetenv("TERM");
}

}  // namespace
}  // namespace tilld::ctl
