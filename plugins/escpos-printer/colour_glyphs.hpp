// Emoji on a printer that knows black and white only.
#pragma once

#include <pango/pangocairo.h>

#include <string_view>

namespace tilld::escpos {

// Emoji fonts hold coloured pictures; on a canvas of dots pango would fill their silhouettes.
bool has_colours(PangoFont* font);

// Draws the run at the pen's current point as line art: the outline of each picture and its dark parts. The
// pen is scaled by (width_times, height_times); `text` is what the layout line was made of.
void draw_line_art(cairo_t* pen, std::string_view text, PangoGlyphItem* run, int width_times,
                   int height_times);

}  // namespace tilld::escpos
