#include "plugins/escpos-printer/escpos_bytes.hpp"

#include <algorithm>

#include "plugins/escpos-printer/clean_text.hpp"

namespace tilld::escpos {
namespace {

constexpr char esc = 0x1b, gs = 0x1d, fs = 0x1c, dle = 0x10;

// White rows cost a feed command instead of a band when there are at least so many of them.
constexpr int white_rows_min = 16;

class encoder {
 public:
  encoder(const paper& on, const bitmap& dots) : on_(on), dots_(dots) {}

  void start() {
    put({esc, '@'});
    put({fs, '.'});
    put({gs, 'P', char(std::min(on_.dpi, 255)), char(std::min(on_.dpi, 255))});
    forget();
  }

  void kick(int pin) { out_ += drawer_bytes(pin); }

  void cut(cut_kind kind) { put({gs, 'V', kind == cut_kind::full ? 'A' : 'B', 0}); }

  void feed(int dots) {
    for (; dots > 0; dots -= std::min(dots, 255)) put({esc, 'J', char(std::min(dots, 255))});
  }

  // A picture of these rows, in bands; white stretches are fed.
  void raster(int first, int end) {
    for (int y = first; y < end;) {
      int white = white_rows(y, end);
      if (white >= white_rows_min || y + white == end) {
        feed(white);
        y += white;
        continue;
      }
      int stop = std::min(y + band_rows_max, end);
      for (int probe = y + 1; probe < stop; ++probe)
        if (white_rows(probe, end) >= white_rows_min) stop = probe;
      band(y, stop);
      y = stop;
    }
    forget();
  }

  bool can_write(const strip& it) const {
    return std::all_of(it.boxes.begin(), it.boxes.end(), [&](const box& b) {
      auto* run = std::get_if<text_run>(&b.content);
      if (!run) return std::holds_alternative<drawn_rule>(b.content) && b.x == 0;
      auto points = code_points(run->text);
      return std::all_of(points.begin(), points.end(), [&](char32_t c) { return page_with(c).has_value(); });
    });
  }

  void write(const strip& it) {
    line_height(it.height);
    for (auto& b : it.boxes) {
      position(b.x);
      if (auto* run = std::get_if<text_run>(&b.content)) {
        style(run->style);
        characters(run->text);
      } else {
        style({});
        auto line = std::get<drawn_rule>(b.content).line;
        characters(rule_text(line));
      }
    }
    style({});  // some printers underline or invert the blanks that they put at the end of a line
    put({'\n'});
    at_ = 0;
  }

  std::string take() { return std::move(out_); }

 private:
  void put(std::initializer_list<char> bytes) { out_.append(bytes); }

  // ESC @ resets everything, and after a raster or a change of font some printers have forgotten their code
  // page.
  void forget() {
    page_.reset();
    style_.reset();
    line_height_ = -1;
    at_ = 0;
  }

  int white_rows(int y, int end) const {
    int count = 0;
    while (y + count < end && dots_.row_is_white(y + count)) ++count;
    return count;
  }

  void band(int y, int end) {
    int bytes = 1;  // up to the last dark dot; the rest of the line is white anyway
    for (int row = y; row < end; ++row)
      for (int b = dots_.stride; b > bytes; --b)
        if (dots_.bits[std::size_t(row) * std::size_t(dots_.stride) + std::size_t(b) - 1]) bytes = b;
    std::string data;
    for (int row = y; row < end; ++row) {
      auto from = dots_.bits.begin() + std::ptrdiff_t(row) * dots_.stride;
      data.append(from, from + bytes);
    }
    neutralise_real_time_commands(data);
    put({gs, 'v', '0', 0, char(bytes & 0xff), char(bytes >> 8), char((end - y) & 0xff),
         char((end - y) >> 8)});
    out_ += data;
  }

  std::optional<code_page_slot> page_with(char32_t c) const {
    if (page_ && byte_in(page_->page, c)) return page_;
    for (auto& it : on_.code_pages)
      if (byte_in(it.page, c)) return it;
    return std::nullopt;
  }

  void characters(std::string_view text) {
    for (char32_t c : code_points(text)) {
      auto page = page_with(c);
      if (!page) continue;  // only asked for what can_write() said yes to
      auto byte = *byte_in(page->page, c);
      if (byte >= 0x80 && (!page_ || page_->page != page->page)) {
        put({esc, 't', char(page->slot)});
        page_ = page;
      }
      out_ += char(byte);
    }
  }

  std::string rule_text(rule_element::line line) const {
    auto count = std::size_t(on_.columns);
    char32_t drawn = line == rule_element::line::twofold  ? U'═'
                     : line == rule_element::line::dashed ? U'-'
                                                          : U'─';
    if (!page_with(drawn)) drawn = line == rule_element::line::twofold ? U'=' : U'-';
    return utf8(std::u32string(count, drawn));
  }

  void position(int x) {
    if (x == at_) return;
    if ((x & 0xff) == dle) ++x;  // the low byte followed by a small high byte would be a real-time command
    put({esc, '$', char(x & 0xff), char(x >> 8)});
    at_ = -1;
  }

  void line_height(int dots) {
    dots = std::min(dots, 255);
    if (dots == line_height_) return;
    put({esc, '3', char(dots)});
    line_height_ = dots;
  }

  void style(const text_style& wanted) {
    at_ = -1;
    if (style_ == wanted) return;
    text_style now = style_.value_or(text_style{});
    bool all = !style_.has_value();
    if (all || now.bold != wanted.bold) put({esc, 'E', char(wanted.bold)});
    if (all || now.underline != wanted.underline) put({esc, '-', char(wanted.underline)});
    if (all || now.invert != wanted.invert) put({gs, 'B', char(wanted.invert)});
    if (all || now.width_times != wanted.width_times || now.height_times != wanted.height_times)
      put({gs, '!', char((wanted.width_times - 1) << 4 | (wanted.height_times - 1))});
    style_ = wanted;
  }

  const paper& on_;
  const bitmap& dots_;
  std::string out_;
  std::optional<code_page_slot> page_;
  std::optional<text_style> style_;
  int line_height_ = -1;
  int at_ = 0;  // where the next character comes to stand; -1 when only the printer knows
};

void encode_strips(encoder& to, const layout& receipt, print_mode mode) {
  auto& strips = receipt.strips;
  for (std::size_t i = 0; i < strips.size();) {
    if (strips[i].cut) {
      to.cut(*strips[i++].cut);
    } else if (strips[i].boxes.empty() && mode != print_mode::image) {
      to.feed(strips[i++].height);
    } else if (mode != print_mode::image && to.can_write(strips[i])) {
      to.write(strips[i++]);
    } else {
      auto is_picture = [&](const strip& it) {
        return !it.cut && (mode == print_mode::image || (!it.boxes.empty() && !to.can_write(it)));
      };
      auto first = i;
      while (i < strips.size() && is_picture(strips[i])) ++i;
      to.raster(strips[first].y, strips[i - 1].y + strips[i - 1].height);
    }
  }
}

}  // namespace

std::string as_escpos(const layout& receipt, const bitmap& dots, print_mode mode, int copies,
                      const std::optional<drawer_kick>& drawer) {
  encoder to(receipt.on, dots);
  to.start();
  if (drawer) to.kick(drawer->pin);
  bool ends_with_cut = !receipt.strips.empty() && receipt.strips.back().cut;
  for (int copy = 0; copy < copies; ++copy) {
    if (copy > 0 && !ends_with_cut) to.cut(cut_kind::partial);
    encode_strips(to, receipt, mode);
  }
  return to.take();
}

std::string drawer_bytes(int pin) { return {esc, 'p', pin == 5 ? '\1' : '\0', 25, char(250)}; }

int neutralise_real_time_commands(std::string& raster) {
  int changed = 0;
  for (std::size_t i = 0; i + 1 < raster.size(); ++i) {
    bool obeyed = raster[i + 1] == 0x04 || raster[i + 1] == 0x05 || raster[i + 1] == 0x14;
    if (raster[i] != dle || !obeyed) continue;
    // One more dot beside one that is dark already: nobody sees it, and 0x18 starts no command.
    raster[i] = 0x18;
    ++changed;
  }
  return changed;
}

}  // namespace tilld::escpos
