#include "base/crypto.hpp"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <sodium.h>

#include <cstdlib>

#include "base/file.hpp"

namespace tilld::base {
namespace {

// sodium_init picks the entropy source; without one no key and no id of this program would be worth anything.
// libsodium's own generator is seeded from it once and asks the kernel no more, which each id of a sale did.
void need_sodium() {
  static const bool ready =
      randombytes_set_implementation(&randombytes_internal_implementation) == 0 && sodium_init() >= 0;
  if (!ready) std::abort();
}

}  // namespace

hash256 sha256(std::initializer_list<byte_view> parts) {
  // One context a thread, since making one costs more than hashing a record.
  struct context {
    EVP_MD_CTX* md = EVP_MD_CTX_new();
    EVP_MD* algorithm = EVP_MD_fetch(nullptr, "SHA256", nullptr);
    ~context() {
      EVP_MD_CTX_free(md);
      EVP_MD_free(algorithm);
    }
  };
  thread_local context c;
  EVP_DigestInit_ex2(c.md, c.algorithm, nullptr);
  for (auto part : parts) EVP_DigestUpdate(c.md, part.data(), part.size());
  hash256 out;
  unsigned size = 0;
  EVP_DigestFinal_ex(c.md, out.data(), &size);
  return out;
}

hash256 hmac_sha256(byte_view key, byte_view message) {
  // As above: looking an algorithm up by name costs more than what it does to a record.
  struct context {
    EVP_MAC* algorithm = EVP_MAC_fetch(nullptr, "HMAC", nullptr);
    EVP_MAC_CTX* mac = EVP_MAC_CTX_new(algorithm);
    context() {
      char digest[] = "SHA256";
      const OSSL_PARAM choice[] = {OSSL_PARAM_construct_utf8_string("digest", digest, 0),
                                   OSSL_PARAM_construct_end()};
      if (!mac || !EVP_MAC_CTX_set_params(mac, choice)) std::abort();
    }
    ~context() {
      EVP_MAC_CTX_free(mac);
      EVP_MAC_free(algorithm);
    }
  };
  thread_local context c;
  // OpenSSL takes a null key for "the key of last time", whatever its size says.
  auto* from = key.empty() ? reinterpret_cast<const std::uint8_t*>("") : key.data();
  hash256 out;
  std::size_t size = 0;
  if (!EVP_MAC_init(c.mac, from, key.size(), nullptr) ||
      !EVP_MAC_update(c.mac, message.data(), message.size()) ||
      !EVP_MAC_final(c.mac, out.data(), &size, out.size()))
    std::abort();
  return out;
}

void random_bytes(std::span<std::uint8_t> out) {
  need_sodium();
  randombytes_buf(out.data(), out.size());
}

bool equal_in_constant_time(byte_view a, byte_view b) {
  return a.size() == b.size() && sodium_memcmp(a.data(), b.data(), a.size()) == 0;
}

bool verify_signature(const public_key& by, byte_view message, const signature& s) {
  need_sodium();
  return crypto_sign_verify_detached(s.data(), message.data(), message.size(), by.data()) == 0;
}

signing_key signing_key::generate() {
  std::array<std::uint8_t, 32> seed;
  random_bytes(seed);
  signing_key key(seed);
  sodium_memzero(seed.data(), seed.size());
  return key;
}

result<signing_key> signing_key::load_or_create(const std::string& path) {
  auto seed = load_or_create_secret(path, 32);
  if (!seed) return seed.error();
  std::array<std::uint8_t, 32> octets;
  std::copy(seed->begin(), seed->end(), octets.begin());
  signing_key key(octets);
  sodium_memzero(octets.data(), octets.size());
  sodium_memzero(seed->data(), seed->size());
  return key;
}

signing_key::signing_key(const std::array<std::uint8_t, 32>& seed) {
  need_sodium();
  crypto_sign_seed_keypair(public_.data(), secret_.data(), seed.data());
}

signing_key::~signing_key() { sodium_memzero(secret_.data(), secret_.size()); }

signature signing_key::sign(byte_view message) const {
  signature s;
  crypto_sign_detached(s.data(), nullptr, message.data(), message.size(), secret_.data());
  return s;
}

}  // namespace tilld::base
