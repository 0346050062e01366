// What a printer prints on: how wide, how fine, and with which built-in characters.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "plugins/escpos-printer/code_page.hpp"
#include "plugins/escpos-printer/result.hpp"

namespace tilld::escpos {

struct code_page_slot {
  code_page page;
  std::uint8_t slot;  // the n of ESC t n
};

// A length as a document states it. Never dots, so that one document fits every printer.
struct length {
  enum class unit { tenth_mm, columns, percent };
  unit in = unit::tenth_mm;
  int value = 0;

  friend bool operator==(const length&, const length&) = default;
};

struct paper {
  int width_dots = 576;
  int columns = 48;
  int dpi = 203;
  // In order of preference: the first page that has a character prints it. cp858 comes first because it has
  // both the umlauts and the euro sign.
  std::vector<code_page_slot> code_pages = default_code_pages();

  int cell_dots() const { return width_dots / columns; }  // one character of font A
  int line_dots() const { return cell_dots() * 7 / 3; }   // from one line to the next
  int dots(length l) const;                               // rounded, never negative
  int dots_of_tenth_mm(int tenth_mm) const { return (tenth_mm * dpi + 127) / 254; }

  static std::vector<code_page_slot> default_code_pages();

  // 58 and 80 are the paper widths in millimetres of the usual printers (384 dots and 32 columns, 576 and 48,
  // both at 203 dpi); every other number is the print width in dots. 512 dots are 42 columns at 180 dpi, as
  // Epson builds them; other widths have 203 dpi and columns of 12 dots. Refused: less than 192 or more than
  // 1664 dots.
  static result<paper> of_width(int width);
};

}  // namespace tilld::escpos
