// How wide the cells of a row become.
#pragma once

#include <vector>

namespace tilld::escpos {

struct column_wish {
  bool fills = false;     // takes a share of what is left
  int wanted_dots = 0;    // of the others
  int smallest_dots = 0;  // below this a word would be broken: avoided if possible
  int needed_dots = 0;    // below this an amount would be broken: never done
};

// Widths for the first cells that fit beside each other with `gap_dots` between them; at least one. When they
// are fewer than the wishes, the rest goes on a line of its own: an amount that stands alone is better than
// half of one. A single cell gets at most `room_dots`.
std::vector<int> share_columns(const std::vector<column_wish>& wishes, int room_dots, int gap_dots);

}  // namespace tilld::escpos
