// The few primitives that tilld uses, by name: SHA-256 and HMAC-SHA-256 (OpenSSL), Ed25519 and random octets
// (libsodium). Nothing here can fail at run time except reading key files; a machine without libsodium's
// entropy source ends the program at start.
#pragma once

#include <initializer_list>

#include "base/bytes.hpp"
#include "base/error.hpp"

namespace tilld::base {

// SHA-256 (FIPS 180-4) over the parts, one after the other.
hash256 sha256(std::initializer_list<byte_view> parts);

// HMAC-SHA-256 (RFC 2104).
hash256 hmac_sha256(byte_view key, byte_view message);

void random_bytes(std::span<std::uint8_t> out);

// Takes the same time wherever the first difference is. Different sizes are different.
bool equal_in_constant_time(byte_view a, byte_view b);

using public_key = std::array<std::uint8_t, 32>;
using signature = std::array<std::uint8_t, 64>;

bool verify_signature(const public_key& by, byte_view message, const signature& s);

// An Ed25519 key pair (RFC 8032). The secret half never leaves this object and is wiped with it.
class signing_key {
 public:
  static signing_key generate();
  // Reads the 32-octet seed from the file, or makes the file (mode 0600, written and synced before it is
  // used) on first use; FILE.pub-style copies are the caller's business. Refuses a file that others may read.
  static result<signing_key> load_or_create(const std::string& path);
  explicit signing_key(const std::array<std::uint8_t, 32>& seed);
  signing_key(signing_key&&) noexcept = default;
  signing_key& operator=(signing_key&&) noexcept = default;
  ~signing_key();

  const tilld::base::public_key& public_half() const { return public_; }
  signature sign(byte_view message) const;

 private:
  tilld::base::public_key public_{};
  std::array<std::uint8_t, 64> secret_{};
};

}  // namespace tilld::base
