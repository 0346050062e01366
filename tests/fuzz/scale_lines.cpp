// Lines of a shop scale, read by the example in C.
#include <cstring>

#include "plugins/example-scale/protocol.h"
#include "tests/fuzz/target.hpp"

namespace tilld::fuzz {
namespace {

// A weight is between zero and the limit either way, and what is no reading leaves the last one alone. The
// line is copied to its exact size, so that a look behind its end is seen.
void eat(std::string_view octets) {
  std::vector<char> line(octets.begin(), octets.end());
  line.reserve(1);  // C has no empty line at no address
  scale_reading got{SCALE_MOVING, 77};
  if (!scale_read_line(line.data(), line.size(), &got)) {
    demand(got.state == SCALE_MOVING && got.milligrams == 77, "what is no reading changes nothing");
    return;
  }
  demand(got.milligrams <= 9'999'000'000 && got.milligrams >= -9'999'999'999, "a weight has its limit");
  demand(got.state != SCALE_OVERLOADED || got.milligrams == 0, "an overload weighs nothing");
}

const target scale_lines{"scale_lines", eat};

}  // namespace
}  // namespace tilld::fuzz
