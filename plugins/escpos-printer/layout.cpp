#include "plugins/escpos-printer/layout.hpp"

#include <algorithm>

#include "plugins/escpos-printer/code.hpp"
#include "plugins/escpos-printer/columns.hpp"
#include "plugins/escpos-printer/picture.hpp"

namespace tilld::escpos {
namespace {

// One cell set into lines, and where it stands.
struct set_cell {
  std::vector<set_line> lines;
  text_style style;
  alignment align;
  int x;
  int width;
};

class compositor {
 public:
  compositor(const document& receipt, const paper& on, typesetter& type)
      : mirrored_(receipt.right_to_left()), on_(on), type_(type) {
    out_.on = on;
  }

  result<> operator()(const text_element& it) {
    place_lines({set_in(it, 0, on_.width_dots, true)});
    return {};
  }

  result<> operator()(const row_element& it) {
    std::vector<cell> rest = it.cells;
    while (!rest.empty()) {
      std::vector<column_wish> wishes;
      for (auto& each : rest) wishes.push_back(wish_of(each));
      auto widths = share_columns(wishes, on_.width_dots, gap_dots());
      place_cells(rest, widths, rest.size() < it.cells.size());
      rest.erase(rest.begin(), rest.begin() + std::ptrdiff_t(widths.size()));
    }
    return {};
  }

  result<> operator()(const rule_element& it) {
    auto& made = add_strip(on_.line_dots() * 2 / 3);
    made.boxes.push_back({0, made.y, on_.width_dots, made.height, drawn_rule{it.drawn}});
    return {};
  }

  result<> operator()(const image_element& it) {
    auto dots = read_picture(it, on_);
    if (!dots) return at("image", dots.error());
    place_picture(std::move(*dots), "image", it.align);
    return {};
  }

  result<> operator()(const qr_element& it) {
    auto code = draw_qr(it, on_);
    if (!code) return at("qr", code.error());
    place_picture(std::move(code->picture), "QR " + it.data, it.align);
    return {};
  }

  result<> operator()(const barcode_element& it) {
    auto code = draw_barcode(it, on_);
    if (!code) return at("barcode", code.error());
    text_element caption{code->caption, {}, it.align};
    int bars_width = code->picture.width;
    if (it.hri == barcode_element::caption::above) place_caption(caption, bars_width);
    place_picture(std::move(code->picture), "barcode " + code->caption, it.align);
    if (it.hri == barcode_element::caption::below) place_caption(caption, bars_width);
    return {};
  }

  result<> operator()(const feed_element& it) {
    add_strip(it.lines > 0 ? it.lines * on_.line_dots() : on_.dots(it.size));
    return {};
  }

  result<> operator()(const cut_element& it) {
    add_strip(on_.dots_of_tenth_mm(40)).cut = it.kind;
    return {};
  }

  result<> place(const element& it) {
    path_ = it.path;
    auto placed = std::visit(*this, it.content);
    if (!placed) return placed.error();
    if (out_.height > height_dots_max)
      return error{errc::invalid_params,
                   path_ + ": the receipt is longer than " + std::to_string(height_dots_max) + " dots"};
    return {};
  }

  layout take() { return std::move(out_); }

 private:
  int gap_dots() const { return on_.cell_dots(); }

  error at(const char* member, const error& why) const {
    return {why.code, path_ + "." + member + ": " + why.detail};
  }

  strip& add_strip(int height) {
    out_.strips.push_back({out_.height, height, {}, std::nullopt});
    out_.height += height;
    return out_.strips.back();
  }

  // Left edge of something `width` wide inside of a room.
  int left_edge(alignment align, int room_x, int room, int width) const {
    int slack = std::max(room - width, 0);
    switch (align) {
      case alignment::left: return room_x;
      case alignment::right: return room_x + slack;
      case alignment::center: return room_x + slack / 2;
      case alignment::start: return room_x + (mirrored_ ? slack : 0);
      case alignment::end: return room_x + (mirrored_ ? 0 : slack);
    }
    return room_x;
  }

  bool ends_right(alignment align) const {
    return align == alignment::right || align == (mirrored_ ? alignment::start : alignment::end);
  }

  // Large letters give way before an amount does.
  text_style fitting(const text_element& text, int room) {
    auto style = text.style;
    while (style.width_times > 1 && type_.widest_amount(text.text, style) > room) {
      --style.width_times;
      style.height_times = std::max(1, std::min(style.height_times, style.width_times + 1));
    }
    return style;
  }

  set_cell set_in(const text_element& text, int x, int width, bool wrap) {
    auto style = fitting(text, width);
    auto lines = wrap ? type_.break_lines(text.text, style, width) : type_.cut_lines(text.text, style, width);
    return {std::move(lines), style, text.align, x, width};
  }

  column_wish wish_of(const cell& it) {
    column_wish wish;
    auto style = fitting(it.content, on_.width_dots);
    wish.fills = it.width == cell::width_kind::fill;
    wish.needed_dots =
        std::max(type_.widest_amount(it.content.text, style), type_.widest_character(it.content.text, style));
    wish.needed_dots = std::min(wish.needed_dots, on_.width_dots);
    wish.smallest_dots =
        std::min(it.wrap ? type_.widest_word(it.content.text, style) : 4 * on_.cell_dots(), on_.width_dots);
    if (it.width == cell::width_kind::automatic)
      wish.wanted_dots = type_.natural_width(it.content.text, style);
    if (it.width == cell::width_kind::fixed) {
      wish.wanted_dots = std::min(on_.dots(it.size), on_.width_dots);
      wish.smallest_dots = std::min(wish.smallest_dots, wish.wanted_dots);
    }
    return wish;
  }

  void place_cells(const std::vector<cell>& cells, const std::vector<int>& widths, bool leftover) {
    int used = gap_dots() * int(widths.size() - 1);
    for (int width : widths) used += width;
    // What did not fit on the first line ends where the first line ended.
    int x = leftover ? std::max(on_.width_dots - used, 0) : 0;
    std::vector<set_cell> set;
    for (std::size_t i = 0; i < widths.size(); ++i) {
      int from_edge = mirrored_ ? on_.width_dots - x - widths[i] : x;
      auto text = cells[i].content;
      if (leftover && widths.size() == 1 && text.align == alignment::start) text.align = alignment::end;
      set.push_back(set_in(text, from_edge, widths[i], cells[i].wrap));
      x += widths[i] + gap_dots();
    }
    place_lines(std::move(set));
  }

  // The n-th lines of all cells share a strip and a baseline.
  void place_lines(std::vector<set_cell> cells) {
    std::size_t count = 0;
    for (auto& it : cells) count = std::max(count, it.lines.size());
    for (std::size_t n = 0; n < count; ++n) {
      int ascent = 0, descent = 0, pitch = 0;
      for (auto& it : cells) {
        if (n >= it.lines.size()) continue;
        ascent = std::max(ascent, it.lines[n].ascent);
        descent = std::max(descent, it.lines[n].descent);
        pitch = std::max(pitch, on_.line_dots() * it.style.height_times);
      }
      int height = std::max(ascent + descent, pitch);
      auto& made = add_strip(height);
      int baseline = ascent + (height - ascent - descent) / 2;
      for (auto& it : cells)
        if (n < it.lines.size() && !it.lines[n].text.empty()) place_line(made, it, it.lines[n], baseline);
      std::sort(made.boxes.begin(), made.boxes.end(), [](const box& a, const box& b) { return a.x < b.x; });
    }
  }

  void place_line(strip& in, const set_cell& from, const set_line& line, int baseline) {
    int width = std::min(line.width, on_.width_dots);
    box made{left_edge(from.align, from.x, from.width, width), in.y, width, in.height, {}};
    made.content = text_run{line.text, from.style, baseline, ends_right(from.align)};
    out_.missing_glyphs += line.missing_glyphs;
    in.boxes.push_back(std::move(made));
  }

  // Letters do not touch pictures.
  void place_picture(bitmap dots, std::string in_words, alignment align) {
    int air = on_.line_dots() / 5, width = dots.width, height = dots.height;
    auto& made = add_strip(height + 2 * air);
    int x = left_edge(align, 0, on_.width_dots, width);
    made.boxes.push_back({x, made.y + air, width, height, picture{std::move(dots), std::move(in_words)}});
  }

  // Centred under the bars, wherever these stand.
  void place_caption(const text_element& caption, int bars_width) {
    int x = left_edge(caption.align, 0, on_.width_dots, bars_width);
    auto centred = caption;
    centred.align = alignment::center;
    bool fits = type_.natural_width(caption.text, {}) <= bars_width;
    place_lines({fits ? set_in(centred, x, bars_width, true) : set_in(caption, 0, on_.width_dots, true)});
  }

  bool mirrored_;
  const paper& on_;
  typesetter& type_;
  layout out_;
  std::string path_;
};

}  // namespace

int layout::lines() const {
  return int(std::count_if(strips.begin(), strips.end(), [](auto& it) { return !it.boxes.empty(); }));
}

result<layout> lay_out(const document& receipt, const paper& on, typesetter& type) {
  type.use_language(receipt.lang, receipt.right_to_left());
  compositor place(receipt, on, type);
  for (auto& it : receipt.body) {
    auto placed = place.place(it);
    if (!placed) return placed.error();
  }
  return place.take();
}

}  // namespace tilld::escpos
