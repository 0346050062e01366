// Requests on lines, as a stream brings them.
#include "tests/fuzz/target.hpp"
#include "wire/json_rpc.hpp"

namespace tilld::fuzz {
namespace {

// What a reader that has everything before it would call the lines.
std::vector<std::string> plain_lines(std::string_view octets) {
  std::vector<std::string> lines;
  for (auto end = octets.find('\n'); end != octets.npos; end = octets.find('\n')) {
    auto line = octets.substr(0, end);
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (!line.empty()) lines.emplace_back(line);
    octets.remove_prefix(end + 1);
  }
  return lines;
}

// The same lines, however the octets come in pieces; one that is too long ends the stream, wherever it is
// cut.
void eat(std::string_view octets) {
  dice from(octets);
  // One octet in front makes a line of about a mebibyte, which no corpus could hold.
  std::string_view long_piece;
  static const std::string mebibyte(wire::line_size_max - 4, 'x');
  if (from.octet() == 0xff && octets.size() < 10) long_piece = mebibyte;
  auto rest = from.rest();

  std::vector<std::string> got;
  wire::line_splitter in;
  auto take_all = [&] {
    for (;;) {
      auto line = in.next();
      if (!line) {
        demand(line.error().code == base::errc::message_too_large, "only too long a line is refused");
        return false;
      }
      if (!*line) return true;
      got.emplace_back(**line);
    }
  };
  in.feed(long_piece);
  bool lives = take_all();
  for (auto piece : in_pieces(rest)) {
    if (!lives) break;
    in.feed(piece);
    lives = take_all();
    in.rest();
    demand(in.memory() <= 3 * wire::line_size_max, "a line costs what it is long");
  }
  auto want = plain_lines(std::string(long_piece) + std::string(rest));
  if (lives) demand(got == want, "pieces do not change the lines");
  if (!lives) demand(!long_piece.empty(), "short lines are taken");
}

const target lines{"lines", eat};

}  // namespace
}  // namespace tilld::fuzz
