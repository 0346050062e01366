#include "plugins/escpos-printer/bitmap.hpp"

#include <algorithm>
#include <bit>

namespace tilld::escpos {

bitmap::bitmap(int width_dots, int height_dots)
    : width(width_dots),
      height(height_dots),
      stride((width_dots + 7) / 8),
      bits(std::size_t(stride) * std::size_t(height_dots)) {}

void bitmap::fill(int x, int y, int w, int h) {
  for (int row = std::max(y, 0); row < std::min(y + h, height); ++row)
    for (int column = std::max(x, 0); column < std::min(x + w, width); ++column) darken(column, row);
}

void bitmap::paste(const bitmap& other, int x, int y) {
  for (int row = std::max(0, -y); row < other.height && y + row < height; ++row)
    for (int column = std::max(0, -x); column < other.width && x + column < width; ++column)
      if (other.dark(column, row)) darken(x + column, y + row);
}

bool bitmap::row_is_white(int y) const {
  auto row = bits.begin() + std::ptrdiff_t(y) * stride;
  return std::all_of(row, row + stride, [](auto byte) { return byte == 0; });
}

int bitmap::dark_dots() const {
  int count = 0;
  for (auto byte : bits) count += std::popcount(byte);
  return count;
}

}  // namespace tilld::escpos
