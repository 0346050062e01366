#include "plugins/escpos-printer/clean_text.hpp"

#include <glib.h>

#include <algorithm>
#include <memory>

namespace tilld::escpos {
namespace {

constexpr char32_t no_break_space = U'\u00a0';
constexpr char32_t isolate = U'\u2066', end_of_isolate = U'\u2069';

bool is_control(char32_t c) { return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == U'\ufeff'; }
bool is_digit(char32_t c) { return c >= U'0' && c <= U'9'; }
bool is_blank(char32_t c) { return c == U' '; }
bool is_capital(char32_t c) { return c >= U'A' && c <= U'Z'; }
bool is_currency_sign(char32_t c) { return g_unichar_type(c) == G_UNICODE_CURRENCY_SYMBOL; }

// Whether an ISO code such as EUR stands at `at` as a word of its own.
bool iso_code_at(std::u32string_view text, std::size_t at) {
  if (at + 3 > text.size()) return false;
  for (std::size_t i = at; i < at + 3; ++i)
    if (!is_capital(text[i])) return false;
  return (at == 0 || !g_unichar_isalpha(text[at - 1])) &&
         (at + 3 == text.size() || !g_unichar_isalpha(text[at + 3]));
}

bool unit_follows(std::u32string_view text, std::size_t at) {
  return at < text.size() && (is_currency_sign(text[at]) || text[at] == U'%' || iso_code_at(text, at));
}

bool unit_precedes(std::u32string_view text, std::size_t end) {
  return end > 0 && (is_currency_sign(text[end - 1]) || (end >= 3 && iso_code_at(text, end - 3)));
}

// Exactly three digits, as after a blank that separates thousands.
bool group_of_three_at(std::u32string_view text, std::size_t at) {
  if (at + 3 > text.size()) return false;
  for (std::size_t i = at; i < at + 3; ++i)
    if (!is_digit(text[i])) return false;
  return at + 3 == text.size() || !is_digit(text[at + 3]);
}

}  // namespace

std::optional<std::string> clean_text(std::string_view given) {
  std::string text(given);
  std::erase(text, '\0');  // a control character like the others, but glib takes it for the end
  if (!g_utf8_validate(text.data(), gssize(text.size()), nullptr)) return std::nullopt;
  std::u32string kept;
  auto all = code_points(text);
  for (std::size_t i = 0; i < all.size(); ++i) {
    char32_t c = all[i];
    if (c == U'\r' && i + 1 < all.size() && all[i + 1] == U'\n') continue;
    if (c == U'\r' || c == U'\u2028' || c == U'\u2029') c = U'\n';
    if (c == U'\t') c = U' ';
    if (c == U'\n' || !is_control(c)) kept += c;
  }
  std::string dirty = utf8(kept);
  std::unique_ptr<char, decltype(&g_free)> composed(
      g_utf8_normalize(dirty.data(), gssize(dirty.size()), G_NORMALIZE_NFC), g_free);
  if (!composed) return std::nullopt;
  return std::string(composed.get());
}

std::string keep_amounts_whole(std::string_view text) {
  auto it = code_points(text);
  for (std::size_t i = 1; i + 1 < it.size(); ++i) {
    if (!is_blank(it[i])) continue;
    bool digit_before = is_digit(it[i - 1]), digit_after = is_digit(it[i + 1]);
    bool sign_before = (it[i - 1] == U'-' || it[i - 1] == U'+' || it[i - 1] == U'\u2212') &&
                       (i == 1 || is_blank(it[i - 2]) || it[i - 2] == no_break_space);
    if ((digit_before && unit_follows(it, i + 1)) || (digit_after && unit_precedes(it, i)) ||
        (digit_before && group_of_three_at(it, i + 1)) || (sign_before && digit_after))
      it[i] = no_break_space;
  }
  return utf8(it);
}

bool is_amount(std::u32string_view word) {
  return std::any_of(word.begin(), word.end(), is_digit) &&
         std::none_of(word.begin(), word.end(), [](char32_t c) { return c >= U'a' && c <= U'z'; });
}

// The blocks that Unicode keeps for right-to-left scripts (UAX 9, table of default classes).
bool has_right_to_left(std::string_view text) {
  auto points = code_points(text);
  return std::any_of(points.begin(), points.end(), [](char32_t c) {
    return (c >= 0x590 && c < 0x900) || (c >= 0xfb1d && c < 0xfe00) || (c >= 0xfe70 && c < 0xff00) ||
           (c >= 0x10800 && c < 0x11000) || (c >= 0x1e800 && c < 0x1f000);
  });
}

std::string isolate_amounts(std::string_view text) {
  auto points = code_points(text);
  std::u32string out;
  for (std::size_t start = 0; start < points.size();) {
    auto end = std::min(points.find_first_of(U" \n", start), points.size());
    auto word = points.substr(start, end - start);
    out += is_amount(word) && !has_right_to_left(utf8(word)) ? isolate + word + end_of_isolate : word;
    if (end < points.size()) out += points[end];
    start = end + 1;
  }
  return utf8(out);
}

std::string without_marks(std::string_view text) {
  auto points = code_points(text);
  std::erase(points, isolate);
  std::erase(points, end_of_isolate);
  return utf8(points);
}

std::u32string code_points(std::string_view text) {
  std::u32string out;
  const char* end = text.data() + text.size();
  for (const char* at = text.data(); at < end; at = g_utf8_next_char(at))
    out += char32_t(g_utf8_get_char(at));
  return out;
}

std::string utf8(std::u32string_view text) {
  std::string out;
  char encoded[6];
  for (char32_t c : text) out.append(encoded, std::size_t(g_unichar_to_utf8(c, encoded)));
  return out;
}

}  // namespace tilld::escpos
