#include "plugins/escpos-printer/picture.hpp"

#include <cairo.h>
#include <gtest/gtest.h>

namespace tilld::escpos {
namespace {

// A picture of the given width whose grey runs from black on the left to white on the right.
std::string gradient_png(int width, int height) {
  auto* surface = cairo_image_surface_create(CAIRO_FORMAT_RGB24, width, height);
  auto* pen = cairo_create(surface);
  for (int x = 0; x < width; ++x) {
    double grey = (x + 0.5) / width;
    cairo_set_source_rgb(pen, grey, grey, grey);
    cairo_rectangle(pen, x, 0, 1, height);
    cairo_fill(pen);
  }
  cairo_destroy(pen);
  std::string png;
  cairo_surface_write_to_png_stream(
      surface,
      [](void* to, const unsigned char* bytes, unsigned size) {
        static_cast<std::string*>(to)->append(reinterpret_cast<const char*>(bytes), size);
        return CAIRO_STATUS_SUCCESS;
      },
      &png);
  cairo_surface_destroy(surface);
  return png;
}

int dark_columns(const bitmap& it, int from, int to) {
  int count = 0;
  for (int x = from; x < to; ++x)
    for (int y = 0; y < it.height; ++y) count += it.dark(x, y);
  return count;
}

TEST(picture, logo_is_black_where_it_is_darker_than_half) {
  auto dots = read_picture({.png = gradient_png(100, 10)}, paper()).value();
  EXPECT_EQ(dots.width, 100);
  EXPECT_EQ(dots.height, 10);
  EXPECT_EQ(dark_columns(dots, 0, 50), 500);
  EXPECT_EQ(dark_columns(dots, 50, 100), 0);
}

TEST(picture, photo_becomes_a_pattern_that_thins_out) {
  auto dots =
      read_picture({.png = gradient_png(120, 60), .mode = image_element::treatment::photo}, paper()).value();
  int first = dark_columns(dots, 0, 30), second = dark_columns(dots, 30, 60),
      third = dark_columns(dots, 60, 90), last = dark_columns(dots, 90, 120);
  EXPECT_GT(first, second);
  EXPECT_GT(second, third);
  EXPECT_GT(third, last);
  EXPECT_GT(last, 0);
}

TEST(picture, is_scaled_to_the_width_that_is_asked_for_and_never_wider_than_the_paper) {
  auto on = paper::of_width(58).value();
  auto width = [&](std::optional<length> exact, std::optional<length> most, int pixels) {
    auto dots = read_picture({.png = gradient_png(pixels, pixels / 2), .width = exact, .max_width = most}, on)
                    .value();
    EXPECT_NEAR(dots.height, dots.width / 2, 1);
    return dots.width;
  };
  EXPECT_EQ(width({}, {}, 1000), 384);
  EXPECT_EQ(width({}, length{length::unit::percent, 50}, 1000), 192);
  EXPECT_EQ(width({}, length{length::unit::percent, 50}, 100), 100);
  EXPECT_EQ(width(length{length::unit::tenth_mm, 300}, {}, 100), 240);
  EXPECT_EQ(width(length{length::unit::columns, 10}, {}, 100), 120);
}

TEST(picture, damaged_or_huge_ones_are_refused) {
  auto png = gradient_png(100, 100);
  EXPECT_FALSE(read_picture({.png = png.substr(0, png.size() / 2)}, paper()));
  EXPECT_FALSE(read_picture({.png = "\x89PNG\r\n\x1a\n"}, paper()));
  auto huge = png;
  huge[16] = '\x7f';  // claims two thousand million pixels a row
  auto refused = read_picture({.png = huge}, paper());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, errc::invalid_params);
}

TEST(picture, write_and_read_again_gives_the_same_dots) {
  bitmap dots(45, 20);
  for (int y = 0; y < dots.height; ++y)
    for (int x = 0; x < dots.width; ++x)
      if ((x * 7 + y * 3) % 5 == 0) dots.darken(x, y);
  auto png = write_png(dots, 8).value();
  auto again = read_picture({.png = png}, paper()).value();
  ASSERT_EQ(again.width, 45 + 16);
  ASSERT_EQ(again.height, 20 + 16);
  EXPECT_EQ(again.dark_dots(), dots.dark_dots());
  for (int y = 0; y < dots.height; ++y)
    for (int x = 0; x < dots.width; ++x) ASSERT_EQ(dots.dark(x, y), again.dark(x + 8, y + 8));
}

}  // namespace
}  // namespace tilld::escpos
