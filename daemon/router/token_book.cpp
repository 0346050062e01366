#include "daemon/router/token_book.hpp"

#include "base/crypto.hpp"

namespace tilld::daemon {
namespace {

base::hash256 hash_of(std::string_view token) {
  return base::sha256({base::as_bytes("tilld.token.1"), base::as_bytes(token)});
}

}  // namespace

void token_book::remove(const std::string& id) {
  std::erase_if(rows_, [&](auto& row) { return row.id == id; });
}

std::optional<token_row> token_book::find(std::string_view token, std::string_view origin) const {
  auto hash = hash_of(token);
  const token_row* found = nullptr;
  for (auto& row : rows_)
    if (base::equal_in_constant_time(row.hash, hash)) found = &row;
  if (!found || found->origin != origin) return std::nullopt;
  return *found;
}

token_book::fresh token_book::make(role r, std::string note, std::int64_t now_ms, std::string origin) {
  std::array<std::uint8_t, 32> octets;
  std::array<std::uint8_t, 4> id;
  base::random_bytes(octets);
  base::random_bytes(id);
  auto text = base::to_hex(octets);
  token_row row{base::to_hex(id), std::string(name(r)), std::move(note), hash_of(text),
                now_ms,           std::move(origin)};
  return {std::move(row), base::secret(std::move(text))};
}

}  // namespace tilld::daemon
