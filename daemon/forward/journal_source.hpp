// What forwarding needs from the till's store: the journal as a log that can be read from any number on, and
// a place for one small value a destination. The daemon's store implements it; tests and the simulator bring
// their own.
//
// Everything is called on the thread of the daemon's io_context. A callback may be called before the call
// returned or at any time later, on the same thread, and exactly once; it may come after the forwarder is
// gone.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "base/record.hpp"
#include "wire/sync.hpp"

namespace tilld::daemon {

class journal_source {
 public:
  virtual ~journal_source() = default;

  // The last durable record. A record that is written but not yet synced is not in the journal: central must
  // never hold what a power cut could take from the till.
  virtual base::chain_head head() const = 0;

  // What the oldest record that can still be read chains to: the beginning for a first till, central's head
  // for one that replaces another, the last removed record when old segments were taken out.
  virtual base::chain_head beginning() const { return {}; }

  // Records from this number on, in order and without gaps: at least one when it exists, at most count_max,
  // and no more once octets_max (of wire_size) is reached; a first record larger than that comes alone.
  using records_read = std::function<void(base::result<std::vector<base::record>>)>;
  virtual void read(std::uint64_t from, std::uint32_t count_max, std::size_t octets_max,
                    records_read then) = 0;

  // What save_witness() stored last for this destination; nothing for one that was never reached.
  virtual base::result<std::optional<wire::sync::witness>> load_witness(std::string_view destination) = 0;

  // Durable when the callback says so. Losing the last one costs no record: central skips what it has.
  using witness_saved = std::function<void(base::result<>)>;
  virtual void save_witness(std::string_view destination, const wire::sync::witness& value,
                            witness_saved then) = 0;
};

}  // namespace tilld::daemon
