#include "plugins/escpos-printer/tests/escpos_reader.hpp"

#include <gtest/gtest.h>

namespace tilld::escpos::test {
namespace {

constexpr char dle = 0x10, esc = 0x1b, fs = 0x1c, gs = 0x1d;

std::uint8_t byte(std::string_view bytes, std::size_t at) { return std::uint8_t(bytes[at]); }
std::size_t word(std::string_view bytes, std::size_t at) {
  return byte(bytes, at) + 256u * byte(bytes, at + 1);
}

struct known_command {
  std::string_view lead;
  std::string_view name;
  std::size_t parameters;
};

constexpr known_command known[] = {
    {"\x1b@", "ESC @", 0},
    {"\x1c.", "FS .", 0},
    {"\x1dP", "GS P", 2},
    {"\x1bt", "ESC t", 1},
    {"\x1b"
     "E",
     "ESC E", 1},
    {"\x1b-", "ESC -", 1},
    {"\x1d"
     "B",
     "GS B", 1},
    {"\x1d!", "GS !", 1},
    {"\x1b$", "ESC $", 2},
    {"\x1b"
     "3",
     "ESC 3", 1},
    {"\x1bJ", "ESC J", 1},
    {"\x1bp", "ESC p", 3},
    {"\x1dV", "GS V", 2},
    {"\x1d"
     "a",
     "GS a", 1},
    {"\x1dr", "GS r", 1},
    {"\x1dI", "GS I", 1},
};

bool is_text(char c) { return std::uint8_t(c) >= 0x20 && c != 0x7f; }

}  // namespace

void escpos_reader::look_for_real_time(char it) {
  real_time_ += it;
  if (real_time_.size() > 3) real_time_.erase(0, 1);
  if (real_time_.size() < 3 || real_time_[0] != dle) return;
  auto kind = byte(real_time_, 1);
  if (kind == 0x04 || kind == 0x05 || kind == 0x14) obeyed_.push_back({kind, byte(real_time_, 2)});
}

void escpos_reader::eat(std::string_view bytes) {
  for (char c : bytes) look_for_real_time(c);
  held_ += bytes;
  while (std::size_t length = length_of_first()) {
    finish(held_.substr(0, length));
    held_.erase(0, length);
  }
}

std::size_t escpos_reader::length_of_first() const {
  if (held_.empty()) return 0;
  if (held_[0] == '\n') return 1;
  if (is_text(held_[0])) {
    std::size_t length = 1;
    while (length < held_.size() && is_text(held_[length])) ++length;
    return length;
  }
  if (held_[0] == dle) return held_.size() >= 3 ? 3 : 0;
  if (held_[0] != esc && held_[0] != fs && held_[0] != gs) return 1;  // unknown, and then a complaint
  if (held_.size() < 2) return 0;
  if (held_.starts_with("\x1dv")) {
    if (held_.size() < 8) return 0;
    std::size_t length = 8 + word(held_, 4) * word(held_, 6);
    return held_.size() >= length ? length : 0;
  }
  if (held_.starts_with("\x1d(")) {
    if (held_.size() < 5) return 0;
    std::size_t length = 5 + word(held_, 3);
    return held_.size() >= length ? length : 0;
  }
  for (auto& it : known)
    if (held_.starts_with(it.lead)) return held_.size() >= 2 + it.parameters ? 2 + it.parameters : 0;
  return 2;
}

void escpos_reader::finish(std::string bytes) {
  if (bytes == "\n") return done_.push_back({"LF", ""});
  if (is_text(bytes[0])) return done_.push_back({"text", bytes});
  if (bytes[0] == dle) return;   // obeyed when it came
  if (bytes[0] == '\0') return;  // nothing, outside of a command
  if (bytes.starts_with("\x1dv")) {
    if (bytes[2] != '0' || bytes[3] != 0) complaints_.push_back("GS v with other parameters than 0 0");
    return done_.push_back({"GS v 0", bytes.substr(4)});
  }
  if (bytes.starts_with("\x1d(")) return done_.push_back({std::string("GS ( ") + bytes[2], bytes.substr(5)});
  for (auto& it : known)
    if (bytes.starts_with(it.lead)) return done_.push_back({std::string(it.name), bytes.substr(2)});
  complaints_.push_back("unknown command of " + std::to_string(bytes.size()) + " bytes, first " +
                        std::to_string(byte(bytes, 0)));
}

std::vector<command> escpos_reader::take() { return std::exchange(done_, {}); }
std::vector<real_time_command> escpos_reader::take_real_time() { return std::exchange(obeyed_, {}); }

std::vector<command> read_escpos(std::string_view bytes) {
  escpos_reader reader;
  reader.eat(bytes);
  EXPECT_TRUE(reader.is_between_commands());
  EXPECT_TRUE(reader.complaints().empty()) << reader.complaints().front();
  EXPECT_TRUE(reader.take_real_time().empty());
  return reader.take();
}

bitmap burned(const std::vector<command>& commands, int width_dots) {
  int height = 0;
  for (auto& it : commands) {
    if (it.name == "GS v 0") height += int(word(it.data, 2));
    if (it.name == "ESC J") height += byte(it.data, 0);
  }
  bitmap paper(width_dots, height);
  int y = 0;
  for (auto& it : commands) {
    if (it.name == "ESC J") y += byte(it.data, 0);
    if (it.name != "GS v 0") continue;
    std::size_t stride = word(it.data, 0), rows = word(it.data, 2);
    for (std::size_t row = 0; row < rows; ++row, ++y)
      for (std::size_t x = 0; x < stride * 8 && x < std::size_t(width_dots); ++x)
        if (byte(it.data, 4 + row * stride + x / 8) & (0x80 >> x % 8)) paper.darken(int(x), y);
  }
  return paper;
}

}  // namespace tilld::escpos::test
