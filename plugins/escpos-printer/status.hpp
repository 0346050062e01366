// What a printer says: its one input stream, taken apart.
//
// A printer sends messages of several kinds over one line, unasked and asked, and none of them has a length
// or a name. The kinds are told apart by fixed bits (Epson, "ESC/POS Command Reference", DLE EOT, GS a, GS r,
// GS ( H):
//   0xx1xx10            answer to DLE EOT n; says not to which n, so answers are matched in order
//   0xx1xx00 + 3 bytes  automatic status, four bytes, the last three 0xx0xxxx
//   0xx0xxxx            answer to GS r 1, where no automatic status is under way
//   37 22 d1..d4 00     process id: everything before it in the printer's queue is done, the paper is out
//   5f text 00          answer to GS I n; 35, 3b and 3d begin other blocks up to a NUL, which are skipped
// XON and XOFF (11, 13) may stand anywhere. Everything else is noise and is dropped, and the next message is
// found.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace tilld::escpos {

// Unknown where the printer does not say.
struct printer_flags {
  std::optional<bool> offline;
  std::optional<bool> cover_open;
  std::optional<bool> paper_out;
  std::optional<bool> paper_low;
  std::optional<bool> drawer_pin_high;  // open or closed, depending on the drawer
  std::optional<bool> in_error;         // cutter jammed, head too hot

  // Takes over what the other one knows.
  void update(const printer_flags& newer);
  friend bool operator==(const printer_flags&, const printer_flags&) = default;
};

struct automatic_status {
  printer_flags flags;
};
struct real_time_status {
  std::uint8_t bits;
};
struct paper_sensor_status {  // the answer to GS r 1
  printer_flags flags;
};
struct process_done {
  std::string id;  // four printable characters
};
struct identity {
  std::string text;  // printable characters of what the printer said
};
using printer_message =
    std::variant<automatic_status, real_time_status, paper_sensor_status, process_done, identity>;

class status_reader {
 public:
  // Whatever is complete after these bytes, in order. Takes any bytes at all; memory is bounded.
  std::vector<printer_message> eat(std::string_view bytes);
  void forget();  // a new connection starts with a new message

 private:
  std::optional<printer_message> eat_byte(std::uint8_t byte);
  std::optional<printer_message> finish_block();

  std::string held_;  // the message that is under way
};

// What the answer to DLE EOT n means; n is 1 (printer), 2 (cause of offline) or 4 (paper).
printer_flags flags_of_real_time(int n, std::uint8_t bits);

}  // namespace tilld::escpos
