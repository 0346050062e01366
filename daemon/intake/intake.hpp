// What becomes of a call with a key: the rule of idempotency as a decision, without I/O, so that the
// simulator drives the same code.
//
//   no row                      run it
//   other content               refuse: key_conflict
//   running, in this process    wait for the same job
//   done                        the stored answer again, octet for octet; expired where it is no longer kept
//   failed before the device    run it again
//   could act
//   unknown                     ask the device what became of it, where it can tell; else say unknown again
//
// Refusals bind nothing: a call that never passed its checks leaves no row, and its key may be used again.
#pragma once

#include <optional>

#include <boost/json/value.hpp>

#include "daemon/store/rows.hpp"

namespace tilld::daemon {

enum class intake_decision { run, conflict, replay, expired, ask_outcome };

// `row` is what the database holds under the key; a row that says running without a job in this process
// cannot exist after the start (they became unknown), and is treated as unknown.
intake_decision decide(const std::optional<operation_row>& row, const base::hash256& content_mac);

// The content of a call: HMAC-SHA-256 under the till's own key over the canonical params without the key
// itself and without secret members, so that the stored value neither reveals nor allows guessing them.
base::hash256 content_mac(base::byte_view mac_key, const boost::json::object& params,
                          std::span<const std::string_view> secret_members);

}  // namespace tilld::daemon
