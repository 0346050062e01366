// What a serial scanner says, taken apart: octets in, scans out. No I/O and no clock; whoever owns both says
// when the line has been silent.
//
// A scan is  PREFIX [AIM identifier] TEXT SUFFIX TERMINATOR.  The AIM identifier (ISO/IEC 15424) is "]", a
// letter for the symbology and a digit or letter for how it was read: "]E0" is EAN-13. Scanners send it when
// they are set up so.
//
// Half a label may be another label: 40063 is no beginning of a sale. So whatever is not whole is dropped and
// said to have been dropped, and never guessed at.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace serial_scanner {

enum class aim { automatic, required, none };

struct framing {
  std::string prefix, suffix;                        // in each scan, and not part of its text
  std::vector<std::string> terminators{"\r", "\n"};  // each ends a scan; none: silence does
  aim symbology = aim::automatic;
  std::size_t size_max = 8192;  // of the text. A QR code holds up to 7,089 digits
};

enum class dropped {
  too_long,      // more than size_max octets without an end
  unfinished,    // silence in the middle, although scans have a terminator
  no_prefix,     // it did not begin as configured
  no_suffix,     // it did not end as configured
  no_symbology,  // the AIM identifier is required and was not there
};
// A sentence for the log. It holds nothing of what was read.
const char* sentence(dropped why);

// A scan, or what was dropped instead.
struct reading {
  std::optional<dropped> why;  // nothing else is set then
  std::string octets;          // of the text
  std::string symbology;       // "]E0"; empty where the scanner did not tell
};

class scan_reader {
 public:
  // `how` must make sense: see complaint_about().
  explicit scan_reader(framing how) : how_(std::move(how)) {}

  // What became whole with these octets, in order.
  std::vector<reading> take(std::string_view octets);
  // Nothing came for as long as a scan may pause.
  std::optional<reading> silence();
  // Whether octets wait for their end, so that silence() would do something.
  bool in_the_middle() const { return overflowed_ || !line_.empty(); }

 private:
  std::optional<std::size_t> terminator_at_end() const;
  std::optional<reading> finish();

  framing how_;
  std::string line_;
  bool overflowed_ = false;  // the rest up to the next terminator belongs to what was dropped
};

// What is wrong with a framing; nothing where it is fine.
std::optional<std::string> complaint_about(const framing& how);

}  // namespace serial_scanner
