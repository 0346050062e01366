#include "plugins/escpos-printer/typesetter.hpp"

#include <pango/pangocairo.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "plugins/escpos-printer/clean_text.hpp"
#include "plugins/escpos-printer/colour_glyphs.hpp"

namespace tilld::escpos {
namespace {

using surface = std::unique_ptr<cairo_surface_t, decltype(&cairo_surface_destroy)>;
using context = std::unique_ptr<cairo_t, decltype(&cairo_destroy)>;

struct unref {
  template <class Object>
  void operator()(Object* o) const {
    g_object_unref(o);
  }
};
template <class Object>
using reference = std::unique_ptr<Object, unref>;

// Where lines of a text end. The hard ones are the author's.
std::vector<std::string_view> paragraphs(std::string_view text) {
  std::vector<std::string_view> out;
  for (std::size_t at = 0;;) {
    auto end = text.find('\n', at);
    out.push_back(text.substr(at, end - at));
    if (end == text.npos) return out;
    at = end + 1;
  }
}

// What a line shows of the characters that stood where it was broken.
std::string as_broken(std::string_view line) {
  constexpr std::string_view soft_hyphen = "\u00ad";
  while (line.ends_with(' ')) line.remove_suffix(1);
  std::string out(line);
  if (line.ends_with(soft_hyphen)) out.replace(out.size() - soft_hyphen.size(), soft_hyphen.size(), "-");
  return out;
}

// The base font has Arabic letters as wide as Latin ones, which no reader of Arabic would call writing.
constexpr const char* arabic_families = "Noto Sans Arabic, Noto Naskh Arabic, Noto Kufi Arabic";

using attributes = std::unique_ptr<PangoAttrList, decltype(&pango_attr_list_unref)>;

attributes fonts_by_script(std::string_view text) {
  attributes out(pango_attr_list_new(), pango_attr_list_unref);
  const char* end = text.data() + text.size();
  for (const char* at = text.data(); at < end;) {
    const char* next = g_utf8_next_char(at);
    if (g_unichar_get_script(g_utf8_get_char(at)) == G_UNICODE_SCRIPT_ARABIC) {
      auto* family = pango_attr_family_new(arabic_families);
      family->start_index = guint(at - text.data());
      family->end_index = guint(next - text.data());
      pango_attr_list_change(out.get(), family);  // joins neighbours
    }
    at = next;
  }
  return out;
}

}  // namespace

struct typesetter::fonts {
  reference<PangoFontMap> map;
  reference<PangoContext> context;
  reference<PangoLayout> layout;
  std::unique_ptr<PangoFontDescription, decltype(&pango_font_description_free)> regular{
      nullptr, pango_font_description_free};
  int cell_dots = 0;
  bool right_to_left = false;
  int line_ascent = 0;
  int line_descent = 0;

  void set_text(std::string_view text, const text_style& style) {
    pango_layout_set_width(layout.get(), -1);
    pango_layout_set_ellipsize(layout.get(), PANGO_ELLIPSIZE_NONE);
    auto* description = pango_font_description_copy_static(regular.get());
    pango_font_description_set_weight(description, style.bold ? PANGO_WEIGHT_BOLD : PANGO_WEIGHT_NORMAL);
    pango_layout_set_font_description(layout.get(), description);
    pango_font_description_free(description);
    pango_layout_set_attributes(layout.get(), fonts_by_script(text).get());
    pango_layout_set_text(layout.get(), text.data(), int(text.size()));
  }

  // What is set in place of a text: amounts do not break, and in Arabic or Hebrew surroundings the sign of an
  // amount stays on its side of the number.
  std::string prepared(std::string_view text) const {
    auto whole = keep_amounts_whole(text);
    return right_to_left || has_right_to_left(whole) ? isolate_amounts(whole) : whole;
  }

  int width_now() const {
    PangoRectangle logical;
    pango_layout_get_extents(layout.get(), nullptr, &logical);
    return PANGO_PIXELS_CEIL(logical.width);
  }
};

struct typesetter::canvas {
  surface dots{nullptr, cairo_surface_destroy};
  context pen{nullptr, cairo_destroy};
};

typesetter::typesetter(std::unique_ptr<fonts> f) : fonts_(std::move(f)) {}
typesetter::typesetter(typesetter&&) noexcept = default;
typesetter& typesetter::operator=(typesetter&&) noexcept = default;
typesetter::~typesetter() = default;

result<typesetter> typesetter::open(const paper& on, std::string_view font_families) {
  auto it = std::make_unique<fonts>();
  it->cell_dots = on.cell_dots();
  it->map.reset(pango_cairo_font_map_new());
  it->context.reset(pango_font_map_create_context(it->map.get()));

  // A dot is there or not: grey edges would only become ragged ones. Full hinting snaps stems to dots.
  cairo_font_options_t* options = cairo_font_options_create();
  cairo_font_options_set_antialias(options, CAIRO_ANTIALIAS_NONE);
  cairo_font_options_set_hint_style(options, CAIRO_HINT_STYLE_FULL);
  cairo_font_options_set_hint_metrics(options, CAIRO_HINT_METRICS_ON);
  pango_cairo_context_set_font_options(it->context.get(), options);
  cairo_font_options_destroy(options);

  it->regular.reset(pango_font_description_new());
  pango_font_description_set_family(it->regular.get(), std::string(font_families).c_str());
  it->layout.reset(pango_layout_new(it->context.get()));
  pango_layout_set_auto_dir(it->layout.get(), FALSE);
  pango_layout_set_wrap(it->layout.get(), PANGO_WRAP_WORD_CHAR);

  constexpr int trial_size = 1000;
  pango_font_description_set_absolute_size(it->regular.get(), trial_size * PANGO_SCALE);
  it->set_text("0", {});
  int advance = it->width_now();
  if (advance <= 0) return error{errc::plugin_config, "no font on this machine can print a digit"};
  pango_font_description_set_absolute_size(
      it->regular.get(), std::floor(double(on.cell_dots()) * trial_size / advance * PANGO_SCALE));
  it->set_text("0", {});
  PangoRectangle logical;
  pango_layout_get_extents(it->layout.get(), nullptr, &logical);
  int baseline = pango_layout_get_baseline(it->layout.get());
  it->line_ascent = PANGO_PIXELS_CEIL(baseline - logical.y);
  it->line_descent = PANGO_PIXELS_CEIL(logical.y + logical.height - baseline);
  return typesetter(std::move(it));
}

void typesetter::use_language(const std::string& lang, bool right_to_left) {
  fonts_->right_to_left = right_to_left;
  pango_context_set_language(fonts_->context.get(), pango_language_from_string(lang.c_str()));
  pango_context_set_base_dir(fonts_->context.get(),
                             right_to_left ? PANGO_DIRECTION_RTL : PANGO_DIRECTION_LTR);
  pango_layout_context_changed(fonts_->layout.get());
}

set_line typesetter::measure(std::string_view line, const text_style& style) {
  auto& f = *fonts_;
  f.set_text(line, style);
  PangoRectangle ink, logical;
  pango_layout_get_extents(f.layout.get(), &ink, &logical);
  int baseline = pango_layout_get_baseline(f.layout.get());
  set_line it;
  it.text = line;
  it.width = PANGO_PIXELS_CEIL(logical.width) * style.width_times;
  // A fallback font may ask for twice the room that its glyphs take, so what counts is the ink.
  it.ascent = std::max(f.line_ascent, PANGO_PIXELS_CEIL(baseline - ink.y)) * style.height_times;
  it.descent =
      std::max(f.line_descent, PANGO_PIXELS_CEIL(ink.y + ink.height - baseline)) * style.height_times;
  it.missing_glyphs = pango_layout_get_unknown_glyphs_count(f.layout.get());
  return it;
}

std::vector<set_line> typesetter::break_lines(std::string_view text, const text_style& style,
                                              int width_dots) {
  std::vector<set_line> out;
  auto whole = fonts_->prepared(text);
  for (auto paragraph : paragraphs(whole)) {
    auto& f = *fonts_;
    f.set_text(paragraph, style);
    pango_layout_set_width(f.layout.get(), std::max(width_dots / style.width_times, 1) * PANGO_SCALE);
    std::vector<std::string> lines;
    int count = pango_layout_get_line_count(f.layout.get());
    for (int i = 0; i < count; ++i) {
      auto* line = pango_layout_get_line_readonly(f.layout.get(), i);
      auto piece = paragraph.substr(std::size_t(line->start_index), std::size_t(line->length));
      lines.push_back(i + 1 < count ? as_broken(piece) : std::string(piece));
    }
    for (auto& line : lines) {
      out.push_back(measure(line, style));
      if (out.back().width > width_dots)
        out.back() = measure(as_broken(line), style);  // blanks may hang over
    }
  }
  return out;
}

std::vector<set_line> typesetter::cut_lines(std::string_view text, const text_style& style, int width_dots) {
  std::vector<set_line> out;
  auto whole = fonts_->prepared(text);
  for (auto paragraph : paragraphs(whole)) {
    auto line = measure(paragraph, style);
    if (line.width > width_dots) {
      auto points = code_points(paragraph);
      std::size_t fits = 0, too_many = points.size();
      while (fits + 1 < too_many) {
        auto half = (fits + too_many) / 2;
        auto trial = measure(utf8(points.substr(0, half)) + "…", style);
        (trial.width <= width_dots ? fits : too_many) = half;
      }
      while (fits > 0 && points[fits - 1] == U' ') --fits;
      line = measure(utf8(points.substr(0, fits)) + "…", style);
    }
    out.push_back(std::move(line));
  }
  return out;
}

int typesetter::natural_width(std::string_view text, const text_style& style) {
  int widest = 0;
  auto whole = fonts_->prepared(text);
  for (auto paragraph : paragraphs(whole)) widest = std::max(widest, measure(paragraph, style).width);
  return widest;
}

int typesetter::widest_word(std::string_view text, const text_style& style) {
  int widest = 0;
  auto whole = fonts_->prepared(text);
  for (auto paragraph : paragraphs(whole)) {
    fonts_->set_text(paragraph, style);
    int count = 0;
    auto* all = pango_layout_get_log_attrs_readonly(fonts_->layout.get(), &count);
    std::vector<PangoLogAttr> attributes(all, all + count);
    auto points = code_points(paragraph);
    std::size_t start = 0;
    for (std::size_t i = 1; i <= points.size(); ++i) {
      if (i < points.size() && !attributes[i].is_line_break) continue;
      widest = std::max(widest, measure(as_broken(utf8(points.substr(start, i - start))), style).width);
      start = i;
    }
  }
  return widest;
}

int typesetter::widest_amount(std::string_view text, const text_style& style) {
  int widest = 0;
  auto points = code_points(fonts_->prepared(text));
  for (std::size_t start = 0; start < points.size();) {
    auto end = std::min(points.find_first_of(U" \n", start), points.size());
    auto word = std::u32string_view(points).substr(start, end - start);
    if (is_amount(word)) widest = std::max(widest, measure(utf8(word), style).width);
    start = end + 1;
  }
  return widest;
}

void typesetter::discard::operator()(canvas* it) const { delete it; }

int typesetter::widest_character(std::string_view text, const text_style& style) const {
  auto points = code_points(text);
  bool simple = std::all_of(points.begin(), points.end(), [](char32_t c) { return c < 0x500; });
  return points.empty() ? 0 : (simple ? 1 : 2) * fonts_->cell_dots * style.width_times;
}

typesetter::drawing typesetter::begin(int width_dots, int height_dots) {
  drawing it(new canvas);
  it->dots.reset(cairo_image_surface_create(CAIRO_FORMAT_A1, width_dots, height_dots));
  it->pen.reset(cairo_create(it->dots.get()));
  cairo_set_antialias(it->pen.get(), CAIRO_ANTIALIAS_NONE);
  return it;
}

void typesetter::draw(canvas& on, std::string_view line, const text_style& style, int x, int baseline) {
  auto& f = *fonts_;
  auto* pen = on.pen.get();
  f.set_text(line, style);
  cairo_save(pen);
  if (style.invert) cairo_set_operator(pen, CAIRO_OPERATOR_DEST_OUT);
  cairo_translate(pen, x, baseline);
  cairo_scale(pen, style.width_times, style.height_times);
  auto* runs = pango_layout_get_line_readonly(f.layout.get(), 0)->runs;
  for (int advance = 0; runs; runs = runs->next) {
    auto* run = static_cast<PangoGlyphItem*>(runs->data);
    cairo_move_to(pen, double(advance) / PANGO_SCALE, 0);
    if (has_colours(run->item->analysis.font))
      draw_line_art(pen, line, run, style.width_times, style.height_times);
    else
      pango_cairo_show_glyph_item(pen, line.data(), run);
    advance += pango_glyph_string_get_width(run->glyphs);
  }
  cairo_restore(pen);
}

void typesetter::fill(canvas& on, int x, int y, int w, int h) {
  cairo_rectangle(on.pen.get(), x, y, w, h);
  cairo_fill(on.pen.get());
}

bitmap typesetter::end(drawing done) {
  cairo_surface_flush(done->dots.get());
  bitmap out(cairo_image_surface_get_width(done->dots.get()),
             cairo_image_surface_get_height(done->dots.get()));
  auto* rows = cairo_image_surface_get_data(done->dots.get());
  int stride = cairo_image_surface_get_stride(done->dots.get());
  for (int y = 0; y < out.height; ++y)
    for (int x = 0; x < out.width; ++x) {
      std::uint32_t word;
      std::memcpy(&word, rows + std::ptrdiff_t(y) * stride + x / 32 * 4, sizeof word);
      if (word >> (x % 32) & 1) out.darken(x, y);
    }
  return out;
}

}  // namespace tilld::escpos
