// Measures, breaks and draws text with pango, in dots.
//
// The grid is the printer's: the base font is scaled so that a digit is exactly one character cell wide, so a
// line set here and the same line printed with the printer's own font A take the same room, and a receipt may
// mix both. Characters that the base font does not have come from whatever font of the machine has them;
// those are as wide as they are, which is why columns are laid out in dots.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "plugins/escpos-printer/bitmap.hpp"
#include "plugins/escpos-printer/document.hpp"
#include "plugins/escpos-printer/paper.hpp"
#include "plugins/escpos-printer/result.hpp"

namespace tilld::escpos {

// Monospaced, with Latin, Greek and Cyrillic letters that hold at 20 dots; other scripts fall back from it.
inline constexpr std::string_view default_font_families = "DejaVu Sans Mono, Noto Sans Mono, monospace";

struct set_line {
  std::string text;
  int width = 0;    // dots
  int ascent = 0;   // dots above the baseline that must stay free
  int descent = 0;  // dots below it
  int missing_glyphs = 0;
};

// Not thread-safe; one a thread. Opening reads the machine's font configuration (tens of milliseconds the
// first time), everything after it works from memory.
class typesetter {
 public:
  // Fails when the machine has no usable font at all.
  static result<typesetter> open(const paper& on, std::string_view font_families);
  typesetter(typesetter&&) noexcept;
  typesetter& operator=(typesetter&&) noexcept;
  ~typesetter();

  // The language chooses between variants of a glyph (Han in Chinese and Japanese) and the direction of the
  // lines.
  void use_language(const std::string& lang, bool right_to_left);

  // Breaks at the places that Unicode allows, at '\n', and inside a word only when it is wider than the line.
  // Amounts stay in one piece as long as the line can hold them. At least one line, also for no text.
  std::vector<set_line> break_lines(std::string_view text, const text_style& style, int width_dots);
  // One line for each '\n'-separated piece, cut with an ellipsis where it is wider.
  std::vector<set_line> cut_lines(std::string_view text, const text_style& style, int width_dots);

  int natural_width(std::string_view text, const text_style& style);  // of the widest line, unbroken
  int widest_word(std::string_view text,
                  const text_style& style);  // the narrowest column that breaks no word
  int widest_amount(std::string_view text, const text_style& style);  // 0 without an amount

  // A column narrower than this could not even hold one letter. Rounded up to cells.
  int widest_character(std::string_view text, const text_style& style) const;

  // Draws lines on one canvas of dots; draw() and fill() are called between begin() and end().
  struct canvas;
  struct discard {
    void operator()(canvas* it) const;
  };
  using drawing = std::unique_ptr<canvas, discard>;
  drawing begin(int width_dots, int height_dots);
  void draw(canvas& on, std::string_view line, const text_style& style, int x, int baseline);
  void fill(canvas& on, int x, int y, int w, int h);
  bitmap end(drawing done);

 private:
  struct fonts;
  explicit typesetter(std::unique_ptr<fonts> f);
  set_line measure(std::string_view line, const text_style& style);

  std::unique_ptr<fonts> fonts_;
};

}  // namespace tilld::escpos
