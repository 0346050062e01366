#include "plugins/escpos-printer/paper.hpp"

namespace tilld::escpos {

int paper::dots(length l) const {
  switch (l.in) {
    case length::unit::tenth_mm: return dots_of_tenth_mm(l.value);
    case length::unit::columns: return l.value * cell_dots();
    case length::unit::percent: return width_dots * l.value / 100;
  }
  return 0;
}

std::vector<code_page_slot> paper::default_code_pages() {
  return {{code_page::cp858, 19},
          {code_page::cp437, 0},
          {code_page::cp852, 18},
          {code_page::cp866, 17},
          {code_page::cp1252, 16}};
}

result<paper> paper::of_width(int width) {
  paper it;
  switch (width) {
    case 58: it.width_dots = 384, it.columns = 32; return it;
    case 80: return it;
    case 512: it.width_dots = 512, it.columns = 42, it.dpi = 180; return it;
    default: break;
  }
  if (width < 192 || width > 1664)
    return error{errc::invalid_params,
                 "width: must be 58, 80 or 192 to 1664 dots, not " + std::to_string(width)};
  it.width_dots = width;
  it.columns = width / 12;
  return it;
}

}  // namespace tilld::escpos
