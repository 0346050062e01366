// What a serial scanner says, in any framing that a shop can configure.
#include "plugins/serial-scanner/protocol.hpp"
#include "tests/fuzz/target.hpp"

namespace tilld::fuzz {
namespace {

using namespace ::serial_scanner;

std::vector<std::string> read(const framing& how, const std::vector<std::string_view>& pieces) {
  std::vector<std::string> got;
  scan_reader in(how);
  for (auto piece : pieces)
    for (auto& r : in.take(piece)) {
      demand(r.why.has_value() || r.octets.size() <= how.size_max, "a scan has its limit");
      demand(!r.why || (r.octets.empty() && r.symbology.empty() && sentence(*r.why)),
             "half a scan is no scan");
      demand(r.symbology.empty() || (r.symbology.size() == 3 && r.symbology[0] == ']'),
             "an identifier has three");
      if (!how.prefix.empty() && !r.why)
        demand(std::string_view(pieces.front()).size() > 0, "a scan came from somewhere");
      got.push_back(r.why ? sentence(*r.why) : r.symbology + r.octets);
    }
  bool middle = in.in_the_middle();
  auto last = in.silence();
  demand(middle || !last, "silence says nothing where nothing was begun");
  if (last) got.push_back(last->why ? sentence(*last->why) : last->symbology + last->octets);
  demand(!in.in_the_middle(), "silence ends a scan");
  return got;
}

// Pieces change nothing; what is not whole is dropped and never guessed at.
void eat(std::string_view octets) {
  dice from(octets);
  framing how;
  auto shape = from.octet();
  if (shape & 1) how.prefix = std::string(from.text().substr(0, 8));
  if (shape & 2) how.suffix = std::string(from.text().substr(0, 8));
  if (shape & 4) how.terminators = {std::string(from.text().substr(0, 4))};
  if (shape & 8) how.terminators.clear();
  how.symbology = static_cast<aim>(from.up_to(2));
  how.size_max = 1 + from.octet();
  if (complaint_about(how)) return;
  auto rest = from.rest();
  demand(read(how, {rest}) == read(how, in_pieces(rest)), "pieces do not change the scans");
}

const target serial_scanner_lines{"serial_scanner", eat};

}  // namespace
}  // namespace tilld::fuzz
