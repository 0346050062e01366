// Decides how a till's records reach one destination. No I/O, no clock, no threads, no random numbers: events
// go in with the moment at which they happened, actions come out, and the same events give the same actions.
// The shell (forwarder.hpp) carries them out; the simulator drives the same object.
//
// The destination is a cursor over the journal. Welcome tells where the destination stands; what lies behind
// is sent in batches, a few in flight, and the signed acknowledgement moves the cursor and is stored as
// witness. A gap moves it back. Whatever goes wrong closes the connection and tries again: soon when that may
// help by itself, slowly when a person must act first. Sales are never held up by any of it.
#pragma once

#include <deque>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/log.hpp"
#include "base/record.hpp"
#include "wire/sync.hpp"
#include "wire/sync_frame.hpp"

namespace tilld::daemon {

// When an event happened. Jitter is any number of 32 bits, drawn anew for each event; it spreads the tills
// that lost their central at the same instant.
struct moment {
  std::uint64_t monotonic_ms = 0;
  std::int64_t unix_ms = 0;
  std::uint32_t jitter = 0;
};

struct till_identity {
  std::string merchant;
  std::string till;
  std::string software;
  base::public_key key{};
  std::uint64_t start_counter = 0;  // durable before it is used
  wire::sync::instance_id instance{};
};

// Ed25519 in the daemon (device_keys in forwarder.hpp). The simulator may put something cheaper in its place.
class signatures {
 public:
  virtual ~signatures() = default;
  virtual base::signature sign(base::byte_view text) const = 0;
  virtual bool verify(const base::public_key& by, base::byte_view text, const base::signature& s) const = 0;
};

struct forward_settings {
  std::string destination;
  wire::sync::role role = wire::sync::role::ledger;
  std::optional<base::public_key>
      pinned_key;  // from the configuration; else the first key seen is remembered

  std::uint32_t batch_records_max = 256;
  std::size_t batch_octets_max = 1 << 20;
  std::size_t batches_in_flight_max = 2;

  std::uint64_t retry_ms_min = 250;
  std::uint64_t retry_ms_max = 15'000;
  std::uint64_t retry_ms_slow = 60'000;  // when a person must act first
  std::uint64_t connect_ms_max = 5'000;
  std::uint64_t answer_ms_max = 20'000;
  std::uint64_t ping_after_ms = 15'000;  // of silence
};

namespace forward_action {
struct connect {};
struct close {};
struct send {
  wire::sync::frame_type type{};
  base::byte_string octets;  // a whole frame
};
struct read {
  std::uint64_t id = 0;  // comes back with records_read()
  std::uint64_t from = 0;
  std::uint32_t count_max = 0;
  std::size_t octets_max = 0;
};
struct store {
  wire::sync::witness witness;
};
// Call wake() at this time; replaces the earlier wish.
struct set_timer {
  std::uint64_t at_monotonic_ms = 0;
};
struct tell {
  base::log_level level = base::log_level::info;
  std::string sentence;
  std::optional<base::error> why;
};
}  // namespace forward_action

using forward_step =
    std::variant<forward_action::connect, forward_action::close, forward_action::send, forward_action::read,
                 forward_action::store, forward_action::set_timer, forward_action::tell>;
using forward_steps = std::vector<forward_step>;

// What a person wants to know about a destination.
struct forward_status {
  std::string destination;
  wire::sync::role role = wire::sync::role::ledger;
  bool connected = false;          // welcomed, records flow
  std::int64_t since_unix_ms = 0;  // of the present state, connected or not; 0 before the first try
  base::chain_head acknowledged;   // last record that the destination holds durably
  std::uint64_t central_sequence = 0;
  base::hash256 central_hash{};
  std::string central_software;
  std::optional<base::public_key> central_key;
  std::optional<base::error> last_error;
  std::int64_t last_error_unix_ms = 0;
  std::int64_t next_try_unix_ms = 0;  // 0 while connected
  // Central stopped this till, or central proved to be another one: nothing moves until a person acts.
  std::optional<base::error> stopped_for_a_person;
  // How often this destination showed less than it had acknowledged, since this daemon started.
  std::uint32_t destination_lost_records = 0;
};

class forward_machine {
 public:
  forward_machine(forward_settings settings, till_identity identity, const signatures& keys);

  // Once, first. `beginning` and `head` as journal_source has them.
  forward_steps start(moment now, std::optional<wire::sync::witness> known, base::chain_head beginning,
                      base::chain_head head);
  forward_steps journal_grew(moment now, base::chain_head head);
  // Old records were moved out of the journal; what the oldest one chains to now.
  void journal_begins(const base::chain_head& beginning) { beginning_ = beginning; }
  forward_steps connected(moment now, const wire::sync::nonce& fresh_nonce);
  // The connection could not be made, or it ended. Ignored when no connection was wanted.
  forward_steps disconnected(moment now, const base::error& why);
  forward_steps frame_arrived(moment now, const wire::sync::frame& f);
  forward_steps records_read(moment now, std::uint64_t id, base::result<std::vector<base::record>> records);
  forward_steps witness_stored(moment now, const base::result<>& outcome);
  forward_steps wake(moment now);
  // A person does not want to wait for the next try.
  forward_steps retry_now(moment now);

  // Calls may be sent over the connection.
  bool welcomed() const { return phase_ == phase::positioning || phase_ == phase::streaming; }
  const forward_status& status() const { return status_; }

 private:
  enum class phase { waiting, connecting, greeting, proving, positioning, streaming };
  struct batch {
    std::uint64_t request;
    base::chain_head last;
    std::uint64_t sent_ms;
  };

  void on_challenge(const wire::sync::frame& f);
  void on_welcome(const wire::sync::frame& f);
  void on_appended(const wire::sync::frame& f);
  void on_refusal(const wire::sync::frame& f);
  void notice_loss(const wire::sync::acknowledgement& a);
  void position(const base::chain_head& head);
  void positioned(const base::chain_head& head);
  void send_batch(std::vector<base::record> records);
  void remember(const wire::sync::acknowledgement& a);
  void pump();
  void ask(wire::sync::frame_type type, std::uint64_t request, base::byte_view payload);
  void tell(base::log_level level, std::string sentence, std::optional<base::error> why = {});
  void fail(base::error why);
  void fail(base::error why, bool slow);
  void store(const wire::sync::witness& w);
  std::uint64_t retry_delay(std::uint32_t failures, bool slow);
  std::uint64_t deadline() const;
  std::uint64_t deadline_of_phase() const;
  forward_steps finish();

  forward_settings settings_;
  till_identity identity_;
  const signatures& keys_;

  forward_steps out_;
  moment now_;
  phase phase_ = phase::waiting;
  std::uint64_t phase_since_ms_ = 0;
  std::uint64_t retry_at_ms_ = 0;
  std::uint64_t timer_ms_ = 0;
  std::uint32_t failures_ = 0;  // in a row
  std::uint32_t rewinds_ = 0;   // in a row
  bool started_ = false;

  base::chain_head beginning_;
  base::chain_head journal_;
  std::optional<wire::sync::witness> witness_;
  bool storing_ = false;
  std::optional<wire::sync::witness> store_next_;
  std::uint32_t store_failures_ = 0;     // in a row
  std::uint64_t store_again_at_ms_ = 0;  // the last one could not be stored; 0: it could, or is being stored

  // Of the present connection.
  wire::sync::hello hello_;
  base::public_key central_key_{};
  std::uint64_t last_request_ = 0;
  std::uint64_t greeting_request_ = 0;
  base::chain_head tail_;  // last record that was sent or that the destination has
  std::deque<batch> in_flight_;
  std::uint64_t last_read_ = 0;
  bool reading_ = false;
  std::optional<wire::sync::acknowledgement> standing_;  // of welcome or of an answer, while it is checked
  std::optional<base::chain_head> position_wanted_;
  std::uint64_t sent_ms_ = 0;
  std::uint64_t ping_ms_ = 0;
  std::uint64_t ping_request_ = 0;  // the unanswered one; 0 when there is none

  forward_status status_;
};

}  // namespace tilld::daemon
