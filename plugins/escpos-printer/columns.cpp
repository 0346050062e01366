#include "plugins/escpos-printer/columns.hpp"

#include <algorithm>
#include <numeric>

namespace tilld::escpos {
namespace {

int sum(const std::vector<int>& widths) { return std::accumulate(widths.begin(), widths.end(), 0); }

// Takes `excess` dots from the widest columns, none of which falls below its floor. Returns what could not be
// taken.
int shrink(std::vector<int>& widths, const std::vector<int>& floors, int excess) {
  while (excess > 0) {
    std::size_t widest = widths.size();
    for (std::size_t i = 0; i < widths.size(); ++i)
      if (widths[i] > floors[i] && (widest == widths.size() || widths[i] > widths[widest])) widest = i;
    if (widest == widths.size()) break;
    // Down to the next narrower column at a time, so that equally wide ones share the loss.
    int next = floors[widest];
    for (std::size_t i = 0; i < widths.size(); ++i)
      if (widths[i] < widths[widest]) next = std::max(next, widths[i]);
    int step = std::clamp(widths[widest] - next, 1, excess);
    widths[widest] -= step;
    excess -= step;
  }
  return excess;
}

std::vector<int> floors_of(const std::vector<column_wish>& wishes, bool words_may_break) {
  std::vector<int> out;
  for (auto& wish : wishes)
    out.push_back(words_may_break ? wish.needed_dots : std::max(wish.smallest_dots, wish.needed_dots));
  return out;
}

// Nothing when the cells do not fit beside each other even with every word broken.
std::vector<int> fit(const std::vector<column_wish>& wishes, int room) {
  for (bool words_may_break : {false, true}) {
    auto floors = floors_of(wishes, words_may_break);
    if (sum(floors) > room) continue;
    std::vector<int> widths;
    int fillers = 0;
    for (std::size_t i = 0; i < wishes.size(); ++i) {
      widths.push_back(wishes[i].fills ? floors[i] : std::max(wishes[i].wanted_dots, floors[i]));
      fillers += wishes[i].fills;
    }
    shrink(widths, floors, sum(widths) - room);
    // Fillers become equally wide as far as their floors let them: each turn gives the narrowest some of the
    // rest.
    int left = room - sum(widths);
    while (fillers > 0 && left > 0) {
      std::size_t narrowest = wishes.size();
      for (std::size_t i = 0; i < wishes.size(); ++i)
        if (wishes[i].fills && (narrowest == wishes.size() || widths[i] < widths[narrowest])) narrowest = i;
      ++widths[narrowest];
      --left;
    }
    return widths;
  }
  return {};
}

}  // namespace

std::vector<int> share_columns(const std::vector<column_wish>& wishes, int room_dots, int gap_dots) {
  for (std::size_t count = wishes.size(); count > 1; --count) {
    std::vector<column_wish> first(wishes.begin(), wishes.begin() + std::ptrdiff_t(count));
    auto widths = fit(first, room_dots - gap_dots * int(count - 1));
    if (!widths.empty()) return widths;
  }
  auto& only = wishes.front();
  int width = only.fills || wishes.size() > 1 ? room_dots : std::max(only.wanted_dots, only.needed_dots);
  return {std::min(width, room_dots)};
}

}  // namespace tilld::escpos
