// How text stands on a terminal: colour where it is wanted, columns that line up.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace tilld::ctl {

// Colour only on a terminal, and not when NO_COLOR is set to anything but the empty text (no-color.org) or
// TERM is dumb.
bool wants_colour(bool is_terminal);

struct style {
  bool colour = false;
  std::string bold(std::string_view text) const { return paint("1", text); }
  std::string dim(std::string_view text) const { return paint("2", text); }
  std::string good(std::string_view text) const { return paint("32", text); }
  std::string warn(std::string_view text) const { return paint("33", text); }
  std::string bad(std::string_view text) const { return paint("1;31", text); }

 private:
  std::string paint(std::string_view how, std::string_view text) const;
};

// Columns as a terminal counts them: colour takes none, a combining mark none, a wide character two.
std::size_t display_width(std::string_view utf8);

// Rows under a head; each column as wide as its widest cell. A note stands below its row, indented.
class table {
 public:
  explicit table(std::vector<std::string> head) : head_(std::move(head)) {}
  void row(std::vector<std::string> cells) { rows_.push_back({std::move(cells), {}}); }
  // Below the last row. No effect before the first.
  void note(std::string text) {
    if (!rows_.empty()) rows_.back().notes.push_back(std::move(text));
  }
  bool empty() const { return rows_.empty(); }
  // Whole lines; the last column is not padded. `indent` stands before each line.
  std::string text(const style& look, std::string_view indent = "") const;

 private:
  struct entry {
    std::vector<std::string> cells, notes;
  };
  std::vector<std::string> head_;
  std::vector<entry> rows_;
};

}  // namespace tilld::ctl
