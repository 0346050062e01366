// Reads ESC/POS as a printer does: command by command, from a stream that may break anywhere. Knows exactly
// the commands that our encoder and driver may send; everything else is noted as a complaint.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "plugins/escpos-printer/bitmap.hpp"

namespace tilld::escpos::test {

struct command {
  std::string name;  // "ESC @", "GS v 0", "text" (the bytes of one run), "LF"
  std::string data;  // parameters, raster or characters
};

// A printer obeys these at once, even in the middle of another command.
struct real_time_command {
  std::uint8_t kind;  // 0x04, 0x05, 0x14
  std::uint8_t n;
};

class escpos_reader {
 public:
  void eat(std::string_view bytes);
  // Commands that have arrived completely, in order; taken away by the call.
  std::vector<command> take();
  std::vector<real_time_command> take_real_time();
  bool is_between_commands() const { return held_.empty(); }
  const std::vector<std::string>& complaints() const { return complaints_; }

 private:
  std::size_t length_of_first() const;  // 0 while it is incomplete
  void look_for_real_time(char byte);
  void finish(std::string bytes);

  std::string held_;
  std::string real_time_;
  std::vector<command> done_;
  std::vector<real_time_command> obeyed_;
  std::vector<std::string> complaints_;
};

std::vector<command> read_escpos(std::string_view bytes);  // fails the test when something is left or unknown

// What a head would have burned: rasters and feeds, as wide as the paper. Text is not drawn.
bitmap burned(const std::vector<command>& commands, int width_dots);

}  // namespace tilld::escpos::test
