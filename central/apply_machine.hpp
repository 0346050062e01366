// Decides what central does with what its tills send. No I/O, no clock, no threads, no random numbers: events
// go in with their moment and with what the store was asked beforehand, decisions come out. Signatures were
// checked before; storing, signing and sending come after. The simulator drives the same object.
//
// The rules, for each till by itself:
//   - A record is applied once and in order. What is here already with the same hash is skipped, with another
//   hash it
//     is a fork; what would leave a gap is refused together with the number that central holds.
//   - A batch is applied whole or not at all.
//   - A journal that ends before what central holds, a start counter that goes back and a second machine with
//   the same
//     identity stop the till: quarantine, until a person releases it.
//   - A till that shows an acknowledgement which central signed and does not hold any more proves that
//   central lost
//     something. That is written into central's chain, said with the welcome, and the till sends again what
//     it has.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "base/log.hpp"
#include "central/chain.hpp"
#include "wire/replacement.hpp"
#include "wire/sync.hpp"

namespace tilld::central {

using connection_id = std::uint64_t;

struct moment {
  std::uint64_t monotonic_ms = 0;
  std::int64_t unix_ms = 0;
};

// What central.yaml says of a till.
struct listing {
  std::string merchant;
  std::string branch;
  base::public_key key{};
  std::uint32_t epoch_allowed = 1;
};

struct quarantine {
  base::errc code = base::errc::quarantined;
  std::string reason;
  std::int64_t since_unix_ms = 0;
  bool operator==(const quarantine&) const = default;
};

// What central knows of a till, stored with its records in one transaction.
struct standing {
  base::chain_head head;
  std::uint64_t start_counter = 0;
  wire::sync::instance_id instance{};
  std::optional<quarantine> stopped;
  std::uint32_t restored = 0;     // how often this till proved that central lost something
  base::hash256 noted_witness{};  // the proof that was noted last, so that it is noted once
  // Which device has the name since a person replaced the one before; 0 when nobody did.
  std::uint32_t replaced_epoch = 0;
  base::public_key replaced_key{};
  // What central.yaml said when that was written into the chain last; 0 when it names the till no more, or
  // never did.
  std::uint32_t listed_epoch = 0;
  base::public_key listed_key{};
  bool operator==(const standing&) const = default;
};

// What the store holds at the places that a hello speaks of; nothing where it holds nothing.
struct held_evidence {
  bool last_is_ours = false;                    // hello.last is signed with central's key
  std::optional<base::hash256> record_at_last;  // this till's record number hello.last.head.sequence
  std::optional<base::hash256> own_at_last;     // central's entry number hello.last.central_sequence
};

namespace decision {
// Store the records of the batch from this index on, with these places in central's chain.
struct keep_records {
  std::string till;
  std::size_t skip = 0;
  std::vector<own_head> entries;
};
struct keep_event {
  entry_kind kind{};
  std::string till;
  std::string text;
  own_head entry;
};
struct keep_standing {
  std::string till;
  standing value;
};
// Sign, store and, once all is durable, send. `signature` is still empty.
struct acknowledge {
  connection_id connection = 0;
  std::uint64_t request = 0;
  std::string till;
  wire::sync::acknowledgement what;
};
struct admit {
  connection_id connection = 0;
  std::uint64_t request = 0;
  std::string till;
  wire::sync::welcome what;  // its standing is still unsigned
};
struct refuse {
  connection_id connection = 0;
  std::uint64_t request = 0;
  wire::sync::refusal what;
  bool then_close = false;
};
struct ping {
  connection_id connection = 0;
  std::uint64_t request = 0;
};
struct close {
  connection_id connection = 0;
};
struct tell {
  base::log_level level = base::log_level::info;
  std::string sentence;
  std::string till;
  std::optional<base::error> why;
};
}  // namespace decision

using apply_decision =
    std::variant<decision::keep_records, decision::keep_event, decision::keep_standing, decision::acknowledge,
                 decision::admit, decision::refuse, decision::ping, decision::close, decision::tell>;
using apply_decisions = std::vector<apply_decision>;

struct apply_settings {
  wire::sync::role role = wire::sync::role::ledger;
  std::string software;
  std::uint64_t twin_answer_ms_max = 2'000;  // how long the older connection may take to show that it lives
};

// What a person wants when a till's device is gone.
struct replacement_wish {
  base::public_key key{};  // of the new device
  std::string reason, by;
  // The highest record that anybody has seen of the till, and who: what lies between that and what is held
  // here is lost.
  std::uint64_t seen_up_to = 0;
  std::string seen_by;
  bool accept_loss = false;
  // Of the ledger, where this server is another one: the same replacement happens here.
  std::optional<wire::replacement> order;
};

class apply_machine {
 public:
  apply_machine(apply_settings settings, std::map<std::string, listing> tills);

  // What the store holds. Called at start, and again after a transaction failed, to forget what did not
  // become durable.
  void load(own_head own, std::map<std::string, standing> standings);

  // Whether such a till may try to prove itself at all.
  base::result<> may_greet(const wire::sync::hello& h) const;

  // Its proof was good.
  apply_decisions greeted(moment now, connection_id connection, std::uint64_t request,
                          const wire::sync::hello& h, const held_evidence& held);
  // `held` are the hashes of the records that central holds of those in the batch: from batch.first on.
  apply_decisions append(moment now, connection_id connection, std::uint64_t request,
                         const wire::sync::append& batch, std::span<const base::hash256> held);
  apply_decisions pong(moment now, connection_id connection, std::uint64_t request);
  apply_decisions lost(moment now, connection_id connection);
  apply_decisions tick(moment now);
  // A person lets a till go on. operation_not_found when it is not stopped, till_unknown when there is none.
  base::result<apply_decisions> release(moment now, const std::string& till, const std::string& reason,
                                        const std::string& by);

  // A person gives the name to another device: a new epoch behind what is held here, the old key refused from
  // now on, the quarantine ended. till_unknown when the till is not listed; invalid_params when the key is
  // the old one; record_gap when records are lost and the loss is not accepted, or when the order begins
  // elsewhere than what is held here ends. `order` is what is to be signed.
  struct replaced {
    apply_decisions decisions;
    wire::replacement order;
  };
  base::result<replaced> replace(moment now, const std::string& till, const replacement_wish& wish);
  // A person brings records that another server has and this one has not: they must follow what is held here.
  base::result<apply_decisions> complete(moment now, const std::string& till, const wire::sync::append& batch,
                                         const std::string& source, const std::string& reason,
                                         const std::string& by);

  // Writes into the chain what central.yaml says of tills and did not say the last time. Once, at the start.
  apply_decisions note_listing(moment now);

  // The key and the highest epoch that count: what a person decided last, here or in central.yaml.
  base::public_key key_of(const std::string& till) const;
  std::uint32_t epoch_allowed_of(const std::string& till) const;

  // The till that was admitted on this connection.
  const std::string* till_of(connection_id connection) const;
  bool is_connected(const std::string& till) const { return admitted_.count(till) != 0; }
  const own_head& own() const { return own_; }
  const std::map<std::string, listing>& tills() const { return tills_; }
  const std::map<std::string, standing>& standings() const { return standings_; }
  standing standing_of(const std::string& till) const;

 private:
  struct connected_till {
    connection_id connection = 0;
    wire::sync::instance_id instance{};
  };
  // A second connection with the same identity waits until the first one answered or had time enough to do
  // so.
  struct waiting_twin {
    connection_id connection = 0;
    std::uint64_t request = 0;
    wire::sync::hello hello;
    held_evidence held;
    std::uint64_t ping_request = 0;
    std::uint64_t until_ms = 0;
  };

  void judge(connection_id connection, std::uint64_t request, const wire::sync::hello& h,
             const held_evidence& held);
  bool notice_restored(const wire::sync::hello& h, const held_evidence& held, standing& s);
  void stop(const std::string& till, base::errc code, std::string reason, connection_id connection,
            std::uint64_t request);
  void keep_event(entry_kind kind, const std::string& till, std::string text);
  void refuse(connection_id connection, std::uint64_t request, base::errc code, std::string text,
              bool then_close, std::optional<base::chain_head> head = {});
  own_head next_entry(entry_kind kind, const std::string& till, base::byte_view content);
  void drop(connection_id connection);
  void admit_waiting(const std::string& till);
  apply_decisions finish();

  apply_settings settings_;
  std::map<std::string, listing> tills_;
  own_head own_;
  std::map<std::string, standing> standings_;

  std::map<std::string, connected_till> admitted_;
  std::map<connection_id, std::string> till_by_connection_;
  std::map<std::string, waiting_twin> waiting_;
  std::uint64_t last_ping_ = 0;

  apply_decisions out_;
  moment now_;
};

}  // namespace tilld::central
