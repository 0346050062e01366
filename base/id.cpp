#include "base/id.hpp"

#include <algorithm>

#include "base/crypto.hpp"

namespace tilld::base {

uuid uuid::v7(std::int64_t unix_ms) {
  uuid id;
  random_bytes(id.octets);
  auto ms = static_cast<std::uint64_t>(unix_ms < 0 ? 0 : unix_ms);
  for (int i = 0; i < 6; ++i) id.octets[i] = static_cast<std::uint8_t>(ms >> (40 - 8 * i));
  id.octets[6] = static_cast<std::uint8_t>(0x70 | (id.octets[6] & 0x0f));
  id.octets[8] = static_cast<std::uint8_t>(0x80 | (id.octets[8] & 0x3f));
  return id;
}

std::string uuid::text() const {
  auto hex = to_hex(octets);
  for (int at : {8, 13, 18, 23}) hex.insert(static_cast<std::size_t>(at), 1, '-');
  return hex;
}

std::optional<uuid> uuid::parse(std::string_view text) {
  if (text.size() != 36) return std::nullopt;
  std::string digits;
  for (std::size_t i = 0; i < text.size(); ++i) {
    bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    if (dash != (text[i] == '-')) return std::nullopt;
    if (!dash) digits += text[i];
  }
  auto bytes = from_hex(digits);
  if (!bytes) return std::nullopt;
  uuid id;
  std::copy(bytes->begin(), bytes->end(), id.octets.begin());
  return id;
}

bool is_short_name(std::string_view text) {
  auto allowed = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'; };
  return !text.empty() && text.size() <= 32 && std::all_of(text.begin(), text.end(), allowed);
}

bool is_idempotency_key(std::string_view text) {
  auto printable = [](char c) { return c >= 0x20 && c <= 0x7e; };
  return !text.empty() && text.size() <= 64 && std::all_of(text.begin(), text.end(), printable);
}

}  // namespace tilld::base
