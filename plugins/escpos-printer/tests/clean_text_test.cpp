#include "plugins/escpos-printer/clean_text.hpp"

#include <gtest/gtest.h>

namespace tilld::escpos {
namespace {

TEST(clean_text, drops_what_a_printer_would_obey) {
  EXPECT_EQ(clean_text(std::string("a\x1b@b\x10\x04\x05\x7f\0c\xc2\x9b"
                                   "d",
                                   14)),
            "a@bcd");
  EXPECT_EQ(clean_text("one\ttwo\r\nthree\rfour\u2028five"), "one two\nthree\nfour\nfive");
}

TEST(clean_text, composes_letters_so_that_the_code_page_has_them) {
  EXPECT_EQ(clean_text("Mu\u0308ller"), "Müller");
}

TEST(clean_text, refuses_what_is_not_utf8) {
  EXPECT_FALSE(clean_text("M\xfcller"));
  EXPECT_FALSE(clean_text("\xed\xa0\x80"));
}

std::string with_visible_joints(std::string_view text) {
  auto points = code_points(keep_amounts_whole(text));
  for (auto& c : points)
    if (c == U'\u00a0') c = U'_';
  return utf8(points);
}

TEST(amounts, keep_their_currency_sign_and_thousands) {
  EXPECT_EQ(with_visible_joints("Summe 1 234,56 € bar"), "Summe 1_234,56_€ bar");
  EXPECT_EQ(with_visible_joints("EUR 12.50 and 3.00 USD"), "EUR_12.50 and 3.00_USD");
  EXPECT_EQ(with_visible_joints("Rabatt - 5,00 € auf 7 %"), "Rabatt -_5,00_€ auf 7_%");
  EXPECT_EQ(with_visible_joints("2 x Brot"), "2 x Brot");
  EXPECT_EQ(with_visible_joints("10 EUROPA"), "10 EUROPA");
}

}  // namespace
}  // namespace tilld::escpos
