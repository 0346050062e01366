// What a till and a central server say to each other: the payloads of the sync protocol and the texts that
// are signed. No I/O, no clock, no random numbers. docs/sync-protocol.md tells the conversation and has
// worked octets.
//
// Each message has encode(), which never fails for values that fit their limits, and a static parse(), which
// fails with record_damaged for damaged records and parse_error for everything else that is not exactly such
// a message: octets after the end are refused too.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.hpp"
#include "base/crypto.hpp"
#include "base/error.hpp"
#include "base/record.hpp"

namespace tilld::wire::sync {

using nonce = std::array<std::uint8_t, 32>;
using instance_id = std::array<std::uint8_t, 16>;

// The ledger posts; a witness verifies, chains, signs, stores and serves.
enum class role : std::uint8_t { ledger = 1, witness = 2 };
std::string_view name(role r);
std::optional<role> parse_role(std::string_view text);

// Central's signed word: "this is the last record of yours that I hold durably, and here my own chain stood
// then."
struct acknowledgement {
  base::chain_head head;
  std::uint64_t central_sequence = 0;
  base::hash256 central_hash{};
  base::signature signature{};

  // "tilld.ack.1" | till (32, zero-padded) | epoch | sequence | hash | central sequence | central hash
  base::byte_string signed_text(std::string_view till) const;
  base::byte_string encode() const;  // the payload of `appended`
  static base::result<acknowledgement> parse(base::byte_view payload);
  bool operator==(const acknowledgement&) const = default;
};

// What a till remembers of one destination, in its own store: the key that it pinned at first use and the
// last acknowledgement. Sent back with every hello, so that a cut or restored central is noticed.
struct witness {
  base::public_key central_key{};
  acknowledgement last;

  base::byte_string encode() const;  // for the till's store, 180 octets
  static base::result<witness> parse(base::byte_view octets);
  bool operator==(const witness&) const = default;
};

struct hello {
  std::uint8_t protocol_min = 1;
  std::uint8_t protocol_max = 1;
  std::string software;  // name and version, for people, at most 64 octets
  std::string merchant;
  std::string till;
  base::public_key key{};
  role expected_role = role::ledger;
  base::chain_head head;  // last durable record of the till's journal
  std::optional<acknowledgement> last;
  std::uint64_t start_counter =
      0;                   // grows by one with every start of the daemon, stored before hello is sent
  instance_id instance{};  // drawn at every start of the daemon
  nonce till_nonce{};

  base::byte_string encode() const;
  static base::result<hello> parse(base::byte_view payload);
};

struct challenge {
  nonce central_nonce{};
  base::public_key central_key{};
  base::signature signature{};  // central's, over challenge_text()

  base::byte_string encode() const;
  static base::result<challenge> parse(base::byte_view payload);
};

struct proof {
  base::signature signature{};  // the till's, over proof_text()

  base::byte_string encode() const;
  static base::result<proof> parse(base::byte_view payload);
};

// Both texts cover the whole hello by its hash, so that nothing in it can be changed on the way.
base::byte_string challenge_text(const hello& h, const nonce& central_nonce,
                                 const base::public_key& central_key);
base::byte_string proof_text(const hello& h, const nonce& central_nonce, const base::public_key& central_key);
// The till's head out of a proof text that was stored as evidence; nothing when it is not one.
std::optional<base::chain_head> head_in_proof_text(base::byte_view text, std::string_view till);

struct welcome {
  std::uint8_t protocol = 1;
  role role_here = role::ledger;
  std::string software;
  std::uint32_t epoch_allowed = 1;
  acknowledgement standing;  // where central stands with this till
  // record_gap: the till's witness shows more than central holds, so central lost something and must get it
  // again.
  std::optional<base::errc> notice;
  std::string notice_text;

  base::byte_string encode() const;
  static base::result<welcome> parse(base::byte_view payload);
};

struct refusal {
  int code = 0;  // number in base/errors.def; a newer peer may send one that is not known here
  std::string text;
  std::optional<base::chain_head> head;  // with record_gap: what central holds

  // The error it stands for; a number that is not known here becomes internal and its text says the number.
  base::error as_error() const;
  base::byte_string encode() const;
  static base::result<refusal> parse(base::byte_view payload);
};

struct append {
  base::hash256 previous{};  // hash of the record before the first
  std::uint64_t first = 0;   // sequence of the first
  std::vector<base::record> records;

  // What the records need on the wire.
  static constexpr std::size_t fixed_size = 32 + 8 + 4;
  base::byte_string encode() const;
  // Only the shape is checked here; the chain is chain_follower's business.
  static base::result<append> parse(base::byte_view payload);
};

struct call {
  std::string method;
  std::string params;  // JSON

  base::byte_string encode() const;
  static base::result<call> parse(base::byte_view payload);
};

// Asked on a connection of its own instead of signing on: it changes nothing at central, and is answered also
// for a till that is stopped there. The answer is a reply or a refusal with its id; more of them may follow.
struct question {
  std::string method;  // at most 64 octets
  std::string params;  // JSON
  base::signature signature{};

  // "tilld.sync.question.1" and what a proof covers, then the number of the question (8), the method as a
  // text and the SHA-256 of the parameters.
  base::byte_string signed_text(const hello& h, const nonce& central_nonce,
                                const base::public_key& central_key, std::uint64_t request) const;
  base::byte_string encode() const;
  static base::result<question> parse(base::byte_view payload);
};

}  // namespace tilld::wire::sync
