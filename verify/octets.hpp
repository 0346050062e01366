// Octets and the two primitives that a verifier needs: SHA-256 (FIPS 180-4, OpenSSL) and Ed25519 (RFC 8032,
// libsodium). Written anew, and on purpose: a mistake in the writer's own code must not hide here as well.
// [pure]
#pragma once

#include <openssl/sha.h>
#include <sodium.h>

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace tilld::verify {

using hash = std::array<unsigned char, 32>;
using key = std::array<unsigned char, 32>;
using signature = std::array<unsigned char, 64>;

template <std::size_t N>
std::string_view text_of(const std::array<unsigned char, N>& octets) {
  return {reinterpret_cast<const char*>(octets.data()), N};
}

inline hash sha256(std::string_view octets) {
  hash out;
  ::SHA256(reinterpret_cast<const unsigned char*>(octets.data()), octets.size(), out.data());
  return out;
}

inline bool signed_by(const key& who, std::string_view text, const signature& s) {
  return ::crypto_sign_verify_detached(s.data(), reinterpret_cast<const unsigned char*>(text.data()),
                                       text.size(), who.data()) == 0;
}

// A big-endian number of `size` octets; the caller guarantees that they are there.
inline std::uint64_t number_at(std::string_view from, std::size_t at, std::size_t size) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < size; ++i) value = value << 8 | static_cast<unsigned char>(from[at + i]);
  return value;
}

inline std::string big(std::uint64_t value, std::size_t size) {
  std::string out(size, '\0');
  for (std::size_t i = 0; i < size; ++i) out[size - 1 - i] = static_cast<char>(value >> (8 * i));
  return out;
}

template <std::size_t N>
std::array<unsigned char, N> array_at(std::string_view from, std::size_t at) {
  std::array<unsigned char, N> out;
  for (std::size_t i = 0; i < N; ++i) out[i] = static_cast<unsigned char>(from[at + i]);
  return out;
}

inline std::string hex(std::string_view octets) {
  std::string out;
  for (unsigned char c : octets) {
    out += "0123456789abcdef"[c >> 4];
    out += "0123456789abcdef"[c & 15];
  }
  return out;
}

// False when it is not exactly 2 N digits of either case.
template <std::size_t N>
bool read_hex(std::string_view digits, std::array<unsigned char, N>& to) {
  if (digits.size() != 2 * N) return false;
  auto value = [](char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
  };
  for (std::size_t i = 0; i < N; ++i) {
    int high = value(digits[2 * i]), low = value(digits[2 * i + 1]);
    if (high < 0 || low < 0) return false;
    to[i] = static_cast<unsigned char>(high << 4 | low);
  }
  return true;
}

inline std::string padded(std::string_view name) {
  std::string out(name.substr(0, 32));
  out.resize(32, '\0');
  return out;
}

}  // namespace tilld::verify
