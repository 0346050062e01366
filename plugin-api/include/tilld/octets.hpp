// What devices say is octets; what goes into a message is text. Pure, any thread.
#pragma once

#include <string>
#include <string_view>

namespace tilld {

// Length of the well-formed UTF-8 character (RFC 3629) that the text begins with, 0 where there is none.
constexpr std::size_t utf8_character_size(std::string_view text) {
  const auto octet = [&](std::size_t i) {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u;
  };
  const auto follows = [&](std::size_t i) { return (octet(i) & 0xc0) == 0x80; };
  const unsigned first = octet(0), second = octet(1);
  if (text.empty()) return 0;
  if (first < 0x80) return 1;
  if (first >= 0xc2 && first < 0xe0) return follows(1) ? 2 : 0;
  if (first >= 0xe0 && first < 0xf0) {
    // Neither longer than it must be nor half of a UTF-16 pair.
    if ((first == 0xe0 && second < 0xa0) || (first == 0xed && second >= 0xa0)) return 0;
    return follows(1) && follows(2) ? 3 : 0;
  }
  if (first >= 0xf0 && first < 0xf5) {
    if ((first == 0xf0 && second < 0x90) || (first == 0xf4 && second >= 0x90)) return 0;
    return follows(1) && follows(2) && follows(3) ? 4 : 0;
  }
  return 0;
}

constexpr bool is_utf8(std::string_view text) {
  while (!text.empty()) {
    const auto size = utf8_character_size(text);
    if (size == 0) return false;
    text.remove_prefix(size);
  }
  return true;
}

// The octets as UTF-8: as they are where they are that already, else each as the Latin-1 character it stands
// for, so that nothing is lost and any message can hold it.
inline std::string text_of(std::string_view octets) {
  if (is_utf8(octets)) return std::string(octets);
  std::string text;
  for (char c : octets) {
    const auto octet = static_cast<unsigned char>(c);
    if (octet < 0x80) {
      text += c;
    } else {
      text += static_cast<char>(0xc0 | (octet >> 6));
      text += static_cast<char>(0x80 | (octet & 0x3f));
    }
  }
  return text;
}

}  // namespace tilld
