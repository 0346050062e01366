// Carries a till's records to one destination and central calls over the same connection: the thin shell
// around forward_machine, on the daemon's one io_context. One forwarder a destination, each with a cursor of
// its own; a destination that stands still delays no other.
//
// Everything here is called on the thread of the io_context, and every callback comes there.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>

#include "base/clock.hpp"
#include "base/crypto.hpp"
#include "daemon/forward/forward_machine.hpp"
#include "daemon/forward/journal_source.hpp"
#include "wire/loopback.hpp"

namespace tilld::daemon {

// Ed25519 with the till's key. The key must outlive this.
class device_keys final : public signatures {
 public:
  explicit device_keys(const base::signing_key& key) : key_(key) {}
  base::signature sign(base::byte_view text) const override { return key_.sign(text); }
  bool verify(const base::public_key& by, base::byte_view text, const base::signature& s) const override {
    return base::verify_signature(by, text, s);
  }

 private:
  const base::signing_key& key_;
};

class forwarder {
 public:
  // `address` comes from parse_destination_url(), so it is a loopback address. `keys`, `journal` and `clock`
  // must outlive the io_context's work, since a read or a save may still call back after the forwarder is
  // gone.
  forwarder(boost::asio::io_context& io, wire::loopback_address address, forward_settings settings,
            till_identity identity, const signatures& keys, journal_source& journal,
            const base::clock& clock);
  // Closes the connection. Calls that are under way end with outcome_unknown.
  ~forwarder();
  forwarder(const forwarder&) = delete;

  // Reads the witness and starts to connect. Fails only when the witness cannot be read: then nothing is
  // sent, since a destination's key that was pinned must not be forgotten by a read error.
  base::result<> start();
  // Call after each commit: there is more to send. Costs next to nothing when nothing is new.
  void grew();
  // Does not wait for the next try, for a person who has just mended something.
  void retry_now();

  // From memory, at any time.
  const forward_status& status() const;

  // Called when status() says another thing about connected or stopped_for_a_person.
  void on_changed(std::function<void()> tell);

  // Asks the ledger: `method` is at most 64 octets, `params` is JSON, and so is the answer. Only the ledger
  // destination takes calls. Errors: forbidden at a witness, central_unreachable when there is no connection
  // (nothing was sent), busy with 32 calls under way, outcome_unknown when the connection broke or the time
  // ran out after it was sent, and whatever central refuses with.
  boost::asio::awaitable<base::result<std::string>> call(std::string method, std::string params,
                                                         std::chrono::milliseconds timeout);

 private:
  class shell;
  std::shared_ptr<shell> shell_;
};

}  // namespace tilld::daemon
