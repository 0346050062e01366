#include "tests/fuzz/target.hpp"

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace tilld::fuzz {
namespace {

std::vector<const target*>& registered() {
  static std::vector<const target*> all;
  return all;
}

}  // namespace

target::target(const char* its_name, void (*its_function)(std::string_view))
    : name(its_name), eat(its_function) {
  registered().push_back(this);
}

const std::vector<const target*>& every_target() { return registered(); }

void demand(bool holds, std::string_view promise) {
  if (!holds) throw std::logic_error("a promise is broken: " + std::string(promise));
}

std::uint8_t dice::octet() {
  if (left_.empty()) return 0;
  auto taken = static_cast<std::uint8_t>(left_.front());
  left_.remove_prefix(1);
  return taken;
}

std::size_t dice::up_to(std::size_t most) {
  std::size_t value = octet();
  if (most > 255) value = value << 8 | octet();
  return value % (most + 1);
}

std::uint64_t dice::number() {
  std::uint64_t value = 0;
  for (int i = 0; i < 8; ++i) value = value << 8 | octet();
  return value;
}

std::string_view dice::text() {
  // Two statements: which argument of a function is looked at first is the compiler's choice.
  std::size_t size = octet();
  size = std::min(size, left_.size());
  auto taken = left_.substr(0, size);
  left_.remove_prefix(size);
  return taken;
}

std::string_view dice::rest() { return std::exchange(left_, {}); }

std::vector<std::string_view> in_pieces(std::string_view octets) {
  std::vector<std::string_view> pieces;
  std::uint32_t state = 1;
  for (char c : octets.substr(0, 64)) state = state * 31 + static_cast<std::uint8_t>(c);
  while (!octets.empty()) {
    state = state * 1'664'525 + 1'013'904'223;
    auto size = std::min<std::size_t>(octets.size(), 1 + (state >> 24) % 40);
    pieces.push_back(octets.substr(0, size));
    octets.remove_prefix(size);
  }
  return pieces;
}

}  // namespace tilld::fuzz
