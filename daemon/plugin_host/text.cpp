#include "daemon/plugin_host/text.hpp"

#include <cstdint>

namespace tilld::daemon::plugin_host {

namespace {

// How many octets the character at the front has by its first octet; 0 where no character begins so.
std::size_t claimed_size(unsigned char first) {
  if (first < 0x80) return 1;
  if (first >= 0xc2 && first <= 0xdf) return 2;
  if (first >= 0xe0 && first <= 0xef) return 3;
  if (first >= 0xf0 && first <= 0xf4) return 4;
  return 0;
}

bool is_character(std::string_view octets) {
  std::uint32_t point = static_cast<unsigned char>(octets[0]) & (0xff >> (octets.size() + 1));
  for (unsigned char c : octets.substr(1)) {
    if ((c & 0xc0) != 0x80) return false;
    point = point << 6 | (c & 0x3f);
  }
  if (octets.size() == 3) return point >= 0x800 && (point < 0xd800 || point > 0xdfff);
  if (octets.size() == 4) return point >= 0x10000 && point <= 0x10ffff;
  return true;
}

}  // namespace

std::string readable(std::string_view text) {
  std::string result;
  result.reserve(text.size());
  while (!text.empty()) {
    const auto size = claimed_size(static_cast<unsigned char>(text[0]));
    if (size > text.size()) break;
    const bool control = size == 1 && (static_cast<unsigned char>(text[0]) < 0x20 || text[0] == 0x7f);
    if (size == 0 || control || (size > 1 && !is_character(text.substr(0, size)))) {
      result += '?';
      text.remove_prefix(1);
      continue;
    }
    result += text.substr(0, size);
    text.remove_prefix(size);
  }
  return result;
}

}  // namespace tilld::daemon::plugin_host
