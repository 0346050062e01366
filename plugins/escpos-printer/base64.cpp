#include "plugins/escpos-printer/base64.hpp"

#include <cstdint>

namespace tilld::escpos {
namespace {

int value_of(char c) {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  if (c >= '0' && c <= '9') return c - '0' + 52;
  if (c == '+') return 62;
  if (c == '/') return 63;
  return -1;
}

}  // namespace

std::optional<std::string> decode_base64(std::string_view text) {
  if (text.size() % 4 != 0) return std::nullopt;
  std::size_t padding = text.ends_with("==") ? 2 : text.ends_with('=') ? 1 : 0;
  std::string out;
  out.reserve(text.size() / 4 * 3);
  std::uint32_t bits = 0;
  int held = 0;
  for (char c : text.substr(0, text.size() - padding)) {
    int value = value_of(c);
    if (value < 0) return std::nullopt;
    bits = bits << 6 | std::uint32_t(value);
    held += 6;
    if (held < 8) continue;
    held -= 8;
    out += char(bits >> held & 0xff);
  }
  if (bits & ((1u << held) - 1)) return std::nullopt;  // two texts must not mean the same bytes
  return out;
}

}  // namespace tilld::escpos
