#include "plugins/escpos-printer/greys.hpp"

#include <cmath>
#include <cstring>

namespace tilld::escpos {

greys read_greys(cairo_surface_t* rgb24) {
  greys out{cairo_image_surface_get_width(rgb24), cairo_image_surface_get_height(rgb24), {}};
  out.values.resize(std::size_t(out.width) * std::size_t(out.height));
  auto* rows = cairo_image_surface_get_data(rgb24);
  int stride = cairo_image_surface_get_stride(rgb24);
  for (int y = 0; y < out.height; ++y)
    for (int x = 0; x < out.width; ++x) {
      std::uint32_t pixel;
      std::memcpy(&pixel, rows + std::ptrdiff_t(y) * stride + std::ptrdiff_t(x) * 4, sizeof pixel);
      float red = float(pixel >> 16 & 0xff), green = float(pixel >> 8 & 0xff), blue = float(pixel & 0xff);
      out.at(x, y) = (0.299f * red + 0.587f * green + 0.114f * blue) / 255.0f;
    }
  return out;
}

greys brightened_for_paper(greys picture) {
  for (auto& value : picture.values) value = std::pow(value, 1 / 1.8f);
  return picture;
}

bitmap threshold(const greys& picture) {
  bitmap out(picture.width, picture.height);
  for (int y = 0; y < out.height; ++y)
    for (int x = 0; x < out.width; ++x)
      if (picture.at(x, y) < 0.5f) out.darken(x, y);
  return out;
}

// Every second row runs backwards, so that the pattern does not drift to one side.
bitmap diffuse(greys picture) {
  bitmap out(picture.width, picture.height);
  for (int y = 0; y < out.height; ++y) {
    int step = y % 2 ? -1 : 1;
    auto spread = [&](int x, int row, float error) {
      if (x >= 0 && x < picture.width && row < picture.height) picture.at(x, row) += error;
    };
    for (int i = 0; i < out.width; ++i) {
      int x = step > 0 ? i : out.width - 1 - i;
      bool white = picture.at(x, y) >= 0.5f;
      if (!white) out.darken(x, y);
      float error = picture.at(x, y) - (white ? 1.0f : 0.0f);
      spread(x + step, y, error * 7 / 16);
      spread(x - step, y + 1, error * 3 / 16);
      spread(x, y + 1, error * 5 / 16);
      spread(x + step, y + 1, error * 1 / 16);
    }
  }
  return out;
}

}  // namespace tilld::escpos
