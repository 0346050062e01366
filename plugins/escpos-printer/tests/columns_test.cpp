#include "plugins/escpos-printer/columns.hpp"

#include <gtest/gtest.h>

namespace tilld::escpos {
namespace {

constexpr column_wish filler(int smallest = 0, int needed = 0) { return {true, 0, smallest, needed}; }
constexpr column_wish fixed(int wanted, int smallest = 0, int needed = 0) {
  return {false, wanted, smallest, needed};
}

TEST(columns, fillers_share_what_the_others_leave) {
  EXPECT_EQ(share_columns({filler(), fixed(96)}, 384, 12), (std::vector{276, 96}));
  EXPECT_EQ(share_columns({filler(), filler(), filler()}, 384, 12), (std::vector{120, 120, 120}));
}

TEST(columns, a_filler_with_a_long_word_takes_it_from_the_other_fillers) {
  EXPECT_EQ(share_columns({filler(200), filler(), filler()}, 384, 12), (std::vector{200, 80, 80}));
}

TEST(columns, what_is_too_wide_shrinks_the_widest_first) {
  EXPECT_EQ(share_columns({fixed(500, 60), fixed(100, 60)}, 384, 12), (std::vector{272, 100}));
}

TEST(columns, words_break_before_amounts_do) {
  EXPECT_EQ(share_columns({filler(300), fixed(120, 120, 120)}, 384, 12), (std::vector{252, 120}));
}

TEST(columns, what_does_not_fit_goes_on_the_next_line) {
  EXPECT_EQ(share_columns({filler(120, 120), fixed(144, 144, 144), fixed(144, 144, 144)}, 384, 12),
            (std::vector{228, 144}));
  EXPECT_EQ(share_columns({fixed(300, 300, 300), fixed(300, 300, 300)}, 384, 12), (std::vector{384}));
}

TEST(columns, a_cell_alone_is_as_wide_as_it_wants) {
  EXPECT_EQ(share_columns({filler()}, 384, 12), (std::vector{384}));
  EXPECT_EQ(share_columns({fixed(60)}, 384, 12), (std::vector{60}));
  EXPECT_EQ(share_columns({fixed(600)}, 384, 12), (std::vector{384}));
}

}  // namespace
}  // namespace tilld::escpos
