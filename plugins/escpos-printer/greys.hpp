// From shades of grey to dots that are there or not.
#pragma once

#include <cairo.h>

#include <vector>

#include "plugins/escpos-printer/bitmap.hpp"

namespace tilld::escpos {

// Brightness of each dot, 0 black to 1 white.
struct greys {
  int width = 0;
  int height = 0;
  std::vector<float> values;

  float& at(int x, int y) { return values[std::size_t(y) * std::size_t(width) + std::size_t(x)]; }
  float at(int x, int y) const { return values[std::size_t(y) * std::size_t(width) + std::size_t(x)]; }
};

// The luma of a flushed CAIRO_FORMAT_RGB24 image.
greys read_greys(cairo_surface_t* rgb24);

// A thermal dot bleeds into its neighbours, so photographs are brightened (gamma 1.8) before they are
// diffused.
greys brightened_for_paper(greys picture);

bitmap threshold(const greys& picture);  // darker than half is dark
bitmap diffuse(greys picture);           // Floyd and Steinberg: greys become patterns

}  // namespace tilld::escpos
