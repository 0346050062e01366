#include "plugins/escpos-printer/colour_glyphs.hpp"

#include <hb-ot.h>

#include <cstdint>
#include <cstring>
#include <memory>

namespace tilld::escpos {
namespace {

using surface = std::unique_ptr<cairo_surface_t, decltype(&cairo_surface_destroy)>;
using context = std::unique_ptr<cairo_t, decltype(&cairo_destroy)>;

struct coloured {
  surface dots;
  int width, height;

  std::uint32_t pixel(int x, int y) const {
    if (x < 0 || y < 0 || x >= width || y >= height) return 0;
    std::uint32_t value;
    auto* row = cairo_image_surface_get_data(dots.get()) +
                std::ptrdiff_t(y) * cairo_image_surface_get_stride(dots.get());
    std::memcpy(&value, row + std::ptrdiff_t(x) * 4, sizeof value);
    return value;
  }
  bool inside(int x, int y) const { return (pixel(x, y) >> 24) >= 0x80; }
  bool on_outline(int x, int y) const {
    return inside(x, y) && !(inside(x - 1, y) && inside(x + 1, y) && inside(x, y - 1) && inside(x, y + 1));
  }
  // Luma below two fifths; a lighter threshold would turn red and blue into black.
  bool is_dark(int x, int y) const {
    auto p = pixel(x, y);
    return inside(x, y) && 299 * (p >> 16 & 0xff) + 587 * (p >> 8 & 0xff) + 114 * (p & 0xff) < 100 * 1000;
  }
};

}  // namespace

bool has_colours(PangoFont* font) {
  auto* face = hb_font_get_face(pango_font_get_hb_font(font));
  return hb_ot_color_has_png(face) || hb_ot_color_has_layers(face);
}

void draw_line_art(cairo_t* pen, std::string_view text, PangoGlyphItem* run, int width_times,
                   int height_times) {
  PangoRectangle ink;
  pango_glyph_string_extents(run->glyphs, run->item->analysis.font, &ink, nullptr);
  int left = PANGO_PIXELS_FLOOR(ink.x), top = PANGO_PIXELS_FLOOR(ink.y);
  int width = (PANGO_PIXELS_CEIL(ink.x + ink.width) - left) * width_times;
  int height = (PANGO_PIXELS_CEIL(ink.y + ink.height) - top) * height_times;
  if (width <= 0 || height <= 0) return;

  coloured shown{
      surface(cairo_image_surface_create(CAIRO_FORMAT_ARGB32, width, height), cairo_surface_destroy), width,
      height};
  context on(cairo_create(shown.dots.get()), cairo_destroy);
  cairo_scale(on.get(), width_times, height_times);
  cairo_move_to(on.get(), -left, -top);
  pango_cairo_show_glyph_item(on.get(), text.data(), run);
  cairo_surface_flush(shown.dots.get());

  double x = 0, y = 0;
  cairo_get_current_point(pen, &x, &y);
  for (int row = 0; row < height; ++row)
    for (int column = 0; column < width; ++column)
      if (shown.on_outline(column, row) || shown.is_dark(column, row))
        cairo_rectangle(pen, x + left + double(column) / width_times, y + top + double(row) / height_times,
                        1.0 / width_times, 1.0 / height_times);
  cairo_fill(pen);
}

}  // namespace tilld::escpos
