#include "plugins/escpos-printer/text.hpp"

#include <glib.h>

#include <algorithm>

#include "plugins/escpos-printer/clean_text.hpp"

namespace tilld::escpos {
namespace {

int columns_of(std::string_view text) {
  int columns = 0;
  for (char32_t c : code_points(text))
    if (!g_unichar_iszerowidth(c)) columns += g_unichar_iswide(c) ? 2 : 1;
  return columns;
}

std::string with_plain_blanks(std::string_view text) {
  auto points = code_points(without_marks(text));
  std::replace(points.begin(), points.end(), U'\u00a0', U' ');
  std::replace(points.begin(), points.end(), U'\u202f', U' ');
  std::erase(points, U'\u00ad');
  return utf8(points);
}

std::string words_for(const box& it, int columns) {
  if (auto* run = std::get_if<text_run>(&it.content)) return with_plain_blanks(run->text);
  if (auto* shown = std::get_if<picture>(&it.content)) return "[" + with_plain_blanks(shown->in_words) + "]";
  auto line = std::get<drawn_rule>(it.content).line;
  return std::string(std::size_t(columns), line == rule_element::line::twofold ? '=' : '-');
}

// In the middle of where the dots are, unless one of the edges is what a reader compares with the other
// lines.
int column_of(const box& it, const paper& on, int columns) {
  int cell = on.cell_dots();
  if (auto* run = std::get_if<text_run>(&it.content)) {
    if (run->ends_right) return (it.x + it.width + cell / 2) / cell - columns;
    if (run->style.width_times == 1) return (it.x + cell / 2) / cell;
  }
  return std::max(it.x + it.width / 2 - columns * cell / 2 + cell / 2, 0) / cell;
}

std::string line_of(const strip& strip, const paper& on) {
  std::string line;
  int at = 0;
  for (auto& box : strip.boxes) {
    auto words = words_for(box, on.columns);
    int columns = columns_of(words);
    int to = box.x == 0 ? 0 : column_of(box, on, columns);
    if (at > 0) to = std::max(to, at + 1);  // letters of other widths must not run into the next cell
    if (to > at) line.append(std::size_t(to - at), ' ');
    line += words;
    at = std::max(to, at) + columns;
  }
  line.erase(line.find_last_not_of(' ') + 1);
  return line;
}

}  // namespace

std::string as_text(const layout& receipt) {
  std::string out;
  for (auto& strip : receipt.strips) {
    if (strip.cut) {
      out += std::string(std::size_t(receipt.on.columns) / 2, ' ') + "8<\n";
    } else if (strip.boxes.empty()) {
      int lines = (strip.height + receipt.on.line_dots() / 2) / receipt.on.line_dots();
      out += std::string(std::size_t(lines), '\n');
    } else {
      out += line_of(strip, receipt.on) + "\n";
    }
  }
  return out;
}

}  // namespace tilld::escpos
