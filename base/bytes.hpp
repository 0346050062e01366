// Octets and how numbers lie in them. Every format of tilld writes integers big-endian.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tilld::base {

using byte_view = std::span<const std::uint8_t>;
using byte_string = std::vector<std::uint8_t>;
using hash256 = std::array<std::uint8_t, 32>;

inline byte_view as_bytes(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}
inline std::string_view as_text(byte_view bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

template <class Unsigned>
inline void store_big(std::uint8_t* to, Unsigned value) {
  for (std::size_t i = sizeof(Unsigned); i-- > 0; value = static_cast<Unsigned>(value >> 7 >> 1))
    to[i] = static_cast<std::uint8_t>(value);
}
template <class Unsigned>
inline Unsigned load_big(const std::uint8_t* from) {
  Unsigned value = 0;
  for (std::size_t i = 0; i < sizeof(Unsigned); ++i)
    value = static_cast<Unsigned>((static_cast<std::uint64_t>(value) << 8) | from[i]);
  return value;
}

// Appends big-endian numbers and length-prefixed texts to a growing buffer.
class byte_writer {
 public:
  explicit byte_writer(byte_string& to) : to_(to) {}
  void u8(std::uint8_t v) { to_.push_back(v); }
  void u16(std::uint16_t v) { number(v); }
  void u32(std::uint32_t v) { number(v); }
  void u64(std::uint64_t v) { number(v); }
  void bytes(byte_view v) { to_.insert(to_.end(), v.begin(), v.end()); }
  // At most 65,535 octets; the rest is cut, which only texts for people can reach.
  void text(std::string_view v) {
    v = v.substr(0, 0xffff);
    u16(static_cast<std::uint16_t>(v.size()));
    bytes(as_bytes(v));
  }

 private:
  template <class Unsigned>
  void number(Unsigned v) {
    to_.resize(to_.size() + sizeof v);
    store_big(to_.data() + to_.size() - sizeof v, v);
  }
  byte_string& to_;
};

// Reads what byte_writer wrote. Running past the end sets failed() and yields zeros, so that a parser checks
// once, at its end, and never reads foreign memory.
class byte_reader {
 public:
  explicit byte_reader(byte_view from) : from_(from) {}
  std::uint8_t u8() { return number<std::uint8_t>(); }
  std::uint16_t u16() { return number<std::uint16_t>(); }
  std::uint32_t u32() { return number<std::uint32_t>(); }
  std::uint64_t u64() { return number<std::uint64_t>(); }
  byte_view bytes(std::size_t size) {
    if (size > from_.size()) {
      failed_ = true;
      from_ = {};
      return {};
    }
    auto taken = from_.first(size);
    from_ = from_.subspan(size);
    return taken;
  }
  template <std::size_t N>
  std::array<std::uint8_t, N> array() {
    std::array<std::uint8_t, N> value{};
    auto taken = bytes(N);
    if (taken.size() == N) std::memcpy(value.data(), taken.data(), N);
    return value;
  }
  std::string text() {
    auto size = u16();
    return std::string(as_text(bytes(size)));
  }
  byte_view rest() const { return from_; }
  bool at_end() const { return from_.empty(); }
  bool failed() const { return failed_; }

 private:
  template <class Unsigned>
  Unsigned number() {
    auto taken = bytes(sizeof(Unsigned));
    return taken.size() == sizeof(Unsigned) ? load_big<Unsigned>(taken.data()) : Unsigned{0};
  }
  byte_view from_;
  bool failed_ = false;
};

std::string to_hex(byte_view bytes);
// Even number of hexadecimal digits of either case, else nothing.
std::optional<byte_string> from_hex(std::string_view text);

}  // namespace tilld::base
