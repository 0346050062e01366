#include "ctl/terminal.hpp"

#include <algorithm>
#include <cstdlib>

namespace tilld::ctl {
namespace {

// The code point that begins at `at`, and past which octet it ends. Octets that are no UTF-8 count as one
// column each.
char32_t next_code_point(std::string_view s, std::size_t& at) {
  auto first = static_cast<unsigned char>(s[at++]);
  int more = first >= 0xf0 ? 3 : first >= 0xe0 ? 2 : first >= 0xc0 ? 1 : 0;
  char32_t code = more == 3 ? first & 0x07 : more == 2 ? first & 0x0f : more == 1 ? first & 0x1f : first;
  while (more-- > 0 && at < s.size() && (static_cast<unsigned char>(s[at]) & 0xc0) == 0x80)
    code = (code << 6) | (static_cast<unsigned char>(s[at++]) & 0x3f);
  return code;
}

bool is_combining(char32_t c) {
  return (c >= 0x300 && c <= 0x36f) || (c >= 0x200b && c <= 0x200f) || (c >= 0x20d0 && c <= 0x20ff) ||
         (c >= 0xfe00 && c <= 0xfe0f);
}

bool is_wide(char32_t c) {
  return (c >= 0x1100 && c <= 0x115f) || (c >= 0x2e80 && c <= 0xa4cf) || (c >= 0xac00 && c <= 0xd7a3) ||
         (c >= 0xf900 && c <= 0xfaff) || (c >= 0xfe30 && c <= 0xfe6f) || (c >= 0xff00 && c <= 0xff60) ||
         (c >= 0xffe0 && c <= 0xffe6) || (c >= 0x1f300 && c <= 0x1faff) || (c >= 0x20000 && c <= 0x3fffd);
}

}  // namespace

bool wants_colour(bool is_terminal) {
  auto* no_colour = std::getenv("NO_COLOR");
  auto* term = std::getenv("TERM");
  return is_terminal && !(no_colour && *no_colour) && !(term && std::string_view(term) == "dumb");
}

std::string style::paint(std::string_view how, std::string_view text) const {
  if (!colour || text.empty()) return std::string(text);
  return "\x1b[" + std::string(how) + "m" + std::string(text) + "\x1b[0m";
}

std::size_t display_width(std::string_view s) {
  std::size_t width = 0;
  for (std::size_t at = 0; at < s.size();) {
    if (s[at] == '\x1b' && at + 1 < s.size() && s[at + 1] == '[') {
      at = std::min(s.find('m', at), s.size() - 1) + 1;
      continue;
    }
    auto c = next_code_point(s, at);
    width += is_combining(c) ? 0 : is_wide(c) ? 2 : 1;
  }
  return width;
}

std::string table::text(const style& look, std::string_view indent) const {
  std::vector<std::size_t> widths;
  auto measure = [&](const std::vector<std::string>& cells) {
    widths.resize(std::max(widths.size(), cells.size()));
    for (std::size_t i = 0; i < cells.size(); ++i) widths[i] = std::max(widths[i], display_width(cells[i]));
  };
  measure(head_);
  for (auto& r : rows_) measure(r.cells);

  std::string out;
  auto write = [&](const std::vector<std::string>& cells, bool is_head) {
    std::string line;
    for (std::size_t i = 0; i < cells.size(); ++i) {
      line += is_head ? look.dim(cells[i]) : cells[i];
      if (i + 1 < cells.size()) line.append(widths[i] - display_width(cells[i]) + 2, ' ');
    }
    line.erase(line.find_last_not_of(' ') + 1);
    out += std::string(indent) + line + "\n";
  };
  write(head_, true);
  for (auto& r : rows_) {
    write(r.cells, false);
    for (auto& note : r.notes) out += std::string(indent) + "  " + look.dim(note) + "\n";
  }
  return out;
}

}  // namespace tilld::ctl
