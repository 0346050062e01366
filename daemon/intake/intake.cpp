#include "daemon/intake/intake.hpp"

#include <boost/json.hpp>

#include "base/canonical_json.hpp"
#include "base/crypto.hpp"

namespace tilld::daemon {

intake_decision decide(const std::optional<operation_row>& row, const base::hash256& mac) {
  if (!row) return intake_decision::run;
  if (!base::equal_in_constant_time(row->content_mac, mac)) return intake_decision::conflict;
  switch (row->state) {
    case operation_state::done:
      return row->kind == answer_kind::expired ? intake_decision::expired : intake_decision::replay;
    case operation_state::failed: return intake_decision::run;
    case operation_state::running:
    case operation_state::unknown: return intake_decision::ask_outcome;
  }
  return intake_decision::ask_outcome;
}

base::hash256 content_mac(base::byte_view mac_key, const boost::json::object& params,
                          std::span<const std::string_view> secret_members) {
  constexpr std::string_view key = "idempotency_key";
  auto mac_of = [&](const boost::json::object& said) {
    return base::hmac_sha256(mac_key, base::as_bytes(base::canonical_json(said, key)));
  };
  if (secret_members.empty()) return mac_of(params);
  boost::json::value copy = params;
  base::remove_members(copy, secret_members);
  return mac_of(copy.as_object());
}

}  // namespace tilld::daemon
