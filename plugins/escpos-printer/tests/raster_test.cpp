#include "plugins/escpos-printer/raster.hpp"

#include <gtest/gtest.h>

#include "plugins/escpos-printer/picture.hpp"
#include "plugins/escpos-printer/tests/receipts.hpp"

namespace tilld::escpos::test {
namespace {

// Dark dots inside and outside of the boxes of a layout.
struct ink {
  int inside = 0;
  int outside = 0;
};

ink ink_of(const layout& receipt, const bitmap& dots) {
  bitmap covered(dots.width, dots.height);
  for (auto& strip : receipt.strips)
    for (auto& box : strip.boxes) covered.fill(box.x, strip.y, box.width, strip.height);
  ink it;
  for (int y = 0; y < dots.height; ++y)
    for (int x = 0; x < dots.width; ++x)
      if (dots.dark(x, y)) ++(covered.dark(x, y) ? it.inside : it.outside);
  return it;
}

TEST(raster, is_as_large_as_the_layout_and_its_ink_stays_in_the_boxes) {
  for (int width : {58, 80, 512}) {
    auto receipt = laid_out(bakery_receipt(), width);
    auto dots = painted(receipt);
    EXPECT_EQ(dots.width, receipt.on.width_dots);
    EXPECT_EQ(dots.height, receipt.height);
    auto found = ink_of(receipt, dots);
    EXPECT_GT(found.inside, dots.width * dots.height / 50);
    EXPECT_LT(found.inside, dots.width * dots.height / 4);
    EXPECT_EQ(found.outside, 0) << width;
  }
}

// A word of each script; a font that is missing would print a box, one that is too tall would be clipped.
TEST(raster, prints_every_script_whole) {
  for (auto word :
       {"Brötchen 5 €", "Ελληνικό γιαούρτι", "Борщ", "خبز عربي طازج", "זיתים ירוקים", "น้ำปลาแท้ ขวดใหญ่",
        "特级初榨橄榄油", "味噌ラーメン", "김치 배추", "हल्दी पाउडर", "Ấ Ỗ Ạ", "☕"}) {
    auto alone = laid_out("{\"text\":\"" + std::string(word) + "\"}", 80);
    EXPECT_EQ(alone.missing_glyphs, 0) << word;
    auto dots = painted(alone);
    EXPECT_GT(dots.dark_dots(), 40) << word;
    // With white lines above and below nothing more appears: so nothing was cut off.
    auto with_room =
        painted(laid_out("{\"feed\":2},{\"text\":\"" + std::string(word) + "\"},{\"feed\":2}", 80));
    EXPECT_EQ(with_room.dark_dots(), dots.dark_dots()) << word;
  }
}

TEST(raster, inverted_text_is_white_on_dark) {
  auto plain = painted(laid_out(R"({"text":" DANKE "})", 80)),
       inverted = painted(laid_out(R"({"text":" DANKE ","invert":true})", 80));
  EXPECT_EQ(inverted.dark_dots(), 7 * 12 * 28 - plain.dark_dots());
}

TEST(raster, bold_is_darker_and_underlines_are_as_long_as_the_text) {
  auto plain = painted(laid_out(R"({"text":"Summe"})", 80)).dark_dots();
  EXPECT_GT(painted(laid_out(R"({"text":"Summe","bold":true})", 80)).dark_dots(), plain);
  EXPECT_EQ(painted(laid_out(R"({"text":"Summe","underline":true})", 80)).dark_dots(), plain + 5 * 12 * 2);
}

TEST(raster, amounts_keep_their_sign_on_its_side_between_arabic_words) {
  // The dots of the amount alone must appear in the line, wherever; a currency sign that wandered would not
  // match.
  auto amount = painted(laid_out(R"({"text":"-12,40 €"})", 80));
  auto line = painted(laid_out(R"({"text":"خبز -12,40 €"})", 80));
  auto contains = [&](int dx, int dy) {
    for (int y = 0; y < amount.height; ++y)
      for (int x = 0; x < 8 * 12; ++x) {
        int to_y = y + dy;
        bool there = to_y >= 0 && to_y < line.height && line.dark(x + dx, to_y);
        if (amount.dark(x, y) != there) return false;
      }
    return true;
  };
  bool found = false;
  for (int dy = -8; dy <= 8; ++dy)
    for (int dx = 0; dx < 300 && !found; ++dx) found = contains(dx, dy);
  EXPECT_TRUE(found);
}

TEST(raster, cut_marks_are_for_previews_only) {
  auto receipt = laid_out(R"({"text":"a"},{"cut":true})", 80);
  EXPECT_GT(paint(receipt, type_for(receipt.on), cut_marks::shown).dark_dots(),
            paint(receipt, type_for(receipt.on), cut_marks::hidden).dark_dots());
}

TEST(raster, preview_is_a_picture_with_margins) {
  auto receipt = laid_out(bakery_receipt(), 58);
  auto png = write_png(painted(receipt), 16).value();
  auto again = read_picture({.png = png}, paper()).value();
  EXPECT_EQ(again.width, 384 + 32);
  EXPECT_EQ(again.height, receipt.height + 32);
}

}  // namespace
}  // namespace tilld::escpos::test
