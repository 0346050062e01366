// Write steps: the moments at which a crash would be interesting. A crash campaign watches them from outside,
// and can have the process stop itself (SIGSTOP) at one, so that a kill lands exactly there.
//
// Nothing happens unless start_step_watch() was called, which the programs do only under
// --allow-test-environment.
#pragma once

#include <atomic>
#include <cstdint>
#include <string_view>

#include "base/error.hpp"

namespace tilld::base {

enum class step : std::uint32_t {
  idle,
  request_read,        // a call's line was read, nothing else happened yet
  intake_begun,        // transaction open, nothing written
  key_written,         // key row written, not committed
  record_written,      // journal row written, not committed
  commit_begun,        // before COMMIT, which syncs
  committed,           // durable, the answer has not been handed to the socket
  answered,            // the answer was handed to the socket
  device_asked,        // a device was asked to act
  device_answered,     // it answered, the answer is not stored yet
  batch_sent,          // records went to central
  batch_acknowledged,  // central's acknowledgement arrived, the cursor is not stored yet
  cursor_stored,
  segment_written,  // old records are in a durable file, and in the journal as well
  segment_removed,  // they were taken out of the journal, not committed
  apply_begun,      // central: transaction open
  apply_written,    // central: rows written, not committed
  apply_committed,  // central: durable, the acknowledgement has not been sent
  acknowledged,     // central: the acknowledgement was handed to the socket
  count_
};

std::string_view name(step s);

// Maps the file (made by the watcher, at least 4096 octets): octets 0-3 the current step, 4-7 the step to
// stop at (0: none), 8-11 how many times to pass it before stopping, 12-15 how often the process stopped;
// native order, written without a lock.
result<> start_step_watch(const std::string& path);

namespace detail {
extern std::atomic<std::uint32_t>* watched_steps;
void reach(step s);
}  // namespace detail

inline void reach(step s) {
  if (detail::watched_steps) detail::reach(s);
}

}  // namespace tilld::base
