// Sends this server's own events to a witness: releases, replacements, the listing of tills. The witness
// takes this server for one of its tills (listed there with the ledger's key) and does with its events what
// it does with a till's records: it chains, signs and keeps them, and stops the server when it shows a
// history that goes back. Nothing here waits for it; a link that lags is shown by status. [thread of the
// io_context]
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include <boost/asio/io_context.hpp>

#include "base/crypto.hpp"
#include "central/config.hpp"
#include "central/event_journal.hpp"

namespace tilld::central {

struct witness_status {
  std::string name;
  bool connected = false;
  std::uint64_t acknowledged = 0;  // the last event that the witness signed for
  std::uint64_t events = 0;        // that there are
  std::optional<base::error> last_error;
};

class witness_link {
 public:
  // `events` and `key` must outlive the io_context's work.
  witness_link(boost::asio::io_context& io, witness_config to, event_journal& events,
               const base::signing_key& key);
  ~witness_link();
  witness_link(const witness_link&) = delete;

  void start();
  void stop();
  // There may be a new event.
  void look();
  witness_status status() const;

 private:
  class line;
  std::shared_ptr<line> line_;
};

}  // namespace tilld::central
