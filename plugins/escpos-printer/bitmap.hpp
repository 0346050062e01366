// A picture of black and white dots, as a thermal head prints it: one bit a dot, 1 is dark, most significant
// bit leftmost, rows padded to whole bytes. This is also the byte order of the printer's raster command.
#pragma once

#include <cstdint>
#include <vector>

namespace tilld::escpos {

struct bitmap {
  bitmap() = default;
  bitmap(int width_dots, int height_dots);  // all white

  bool dark(int x, int y) const { return bits[offset(x, y)] & mask(x); }
  void darken(int x, int y) { bits[offset(x, y)] |= mask(x); }
  // The part of the rectangle that lies outside of the picture is left out.
  void fill(int x, int y, int w, int h);
  // Darkens every dot that is dark in the other picture, whose top left corner comes to (x, y).
  void paste(const bitmap& other, int x, int y);

  bool row_is_white(int y) const;
  int dark_dots() const;

  int width = 0;
  int height = 0;
  int stride = 0;  // bytes a row
  std::vector<std::uint8_t> bits;

 private:
  std::size_t offset(int x, int y) const {
    return std::size_t(y) * std::size_t(stride) + std::size_t(x >> 3);
  }
  static std::uint8_t mask(int x) { return std::uint8_t(0x80 >> (x & 7)); }
};

}  // namespace tilld::escpos
