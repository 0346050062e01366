// A fuzz target: one function that eats octets from outside and checks what must hold whatever they are. One
// short file a target; the sentence above the function is its oracle.
//
// The same files are two kinds of program. With libFuzzer (preset `fuzz`, ./dev fuzz TARGET) each target is a
// program that looks for octets which break a promise. Everywhere else they are one test, fuzz_corpora, that
// eats what was found worth keeping (corpus/TARGET) and nothing new. docs/fuzzing.md tells how to work with
// them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tilld::fuzz {

struct target {
  // Registers itself; one in each file, for the life of the program. `name` is that of the file and of the
  // corpus.
  target(const char* name, void (*eat)(std::string_view octets));

  const char* name;
  void (*eat)(std::string_view octets);
};

// In the order in which the files were linked.
const std::vector<const target*>& every_target();

// Ends the run with this sentence when it does not hold. Nothing in the tree catches what it throws.
void demand(bool holds, std::string_view promise);

// Octets as decisions: small numbers and pieces of text, taken from the front. Never runs dry; what is taken
// behind the end is zero or empty.
class dice {
 public:
  explicit dice(std::string_view octets) : left_(octets) {}

  bool empty() const { return left_.empty(); }
  std::uint8_t octet();
  // From 0 to most, both included.
  std::size_t up_to(std::size_t most);
  // Eight octets, big-endian.
  std::uint64_t number();
  // Its size is one octet, so at most 255 octets.
  std::string_view text();
  std::string_view rest();

 private:
  std::string_view left_;
};

// The octets in pieces, whose sizes follow from the octets themselves: what a stream does with a message.
std::vector<std::string_view> in_pieces(std::string_view octets);

}  // namespace tilld::fuzz
