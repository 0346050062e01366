// Where everything on a receipt comes to lie, in dots. One layout feeds every back end: the picture, the
// printer's bytes and the plain text break their lines at the same places.
//
// A layout is a pile of strips, each as wide as the paper, that are printed one after the other. A strip
// holds boxes: the pieces that share a line. A row of cells becomes as many strips as its longest cell has
// lines, so that a back end can print one of them with the printer's own font and the next as a picture.
#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "plugins/escpos-printer/bitmap.hpp"
#include "plugins/escpos-printer/document.hpp"
#include "plugins/escpos-printer/paper.hpp"
#include "plugins/escpos-printer/result.hpp"
#include "plugins/escpos-printer/typesetter.hpp"

namespace tilld::escpos {

struct text_run {
  std::string text;  // one line, no '\n'
  text_style style;
  int baseline = 0;         // dots below the top of the strip
  bool ends_right = false;  // set against its right edge, which a back end with other letters keeps
};

struct picture {
  bitmap dots;
  std::string in_words;  // what the plain text shows in its place
};

struct drawn_rule {
  rule_element::line line = rule_element::line::solid;
};

struct box {
  int x = 0;  // from the left edge of the paper
  int y = 0;  // from the top of the receipt
  int width = 0;
  int height = 0;
  std::variant<text_run, picture, drawn_rule> content;
};

struct strip {
  int y = 0;
  int height = 0;
  std::vector<box> boxes;       // from left to right; empty for white space
  std::optional<cut_kind> cut;  // then there are no boxes, and the height is the gap that a preview shows
};

struct layout {
  paper on;
  int height = 0;
  std::vector<strip> strips;
  int missing_glyphs = 0;  // characters that no font of this machine has; they are printed as a box
  int lines() const;       // strips that print something
};

// Longer receipts are refused with invalid_params: four metres at 203 dpi, and what one picture can hold.
inline constexpr int height_dots_max = 32000;

// No input or output but through the typesetter's fonts. Errors carry the path of the element: invalid_params
// for unreadable pictures and unsuitable codes, code_too_wide for codes wider than the paper.
result<layout> lay_out(const document& receipt, const paper& on, typesetter& type);

}  // namespace tilld::escpos
