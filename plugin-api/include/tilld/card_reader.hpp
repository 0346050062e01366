// Interface tilld.reader/1: what recognises cards, tags and phones. plugin-api/schema/tilld.reader.1.json is
// printed from this file.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <tuple>

#include <tilld/vocabulary.hpp>

namespace tilld::card_reader {

enum class technology {
  unknown,
  mifare_classic,
  mifare_ultralight,
  ntag,
  ntag_424,
  desfire,
  nfc_a,  // ISO 14443 A that is none of the above
  nfc_b,
  felica,
  nfc_v,  // ISO 15693
  magnetic_stripe,
  contact_chip,
  phone  // a pass in a wallet application
};
BOOST_DESCRIBE_ENUM(technology, unknown, mifare_classic, mifare_ultralight, ntag, ntag_424, desfire, nfc_a,
                    nfc_b, felica, nfc_v, magnetic_stripe, contact_chip, phone)

// What the presentation proves, in rising order. The core decides with it what may be done: a uid that
// anybody can copy may collect points, only authenticated and above may spend.
enum class security_level {
  unknown,        // to be treated as uid_only
  uid_only,       // nothing: there are cards that show any uid
  signed_,        // the chip maker signed this uid; a replay is possible
  authenticated,  // the card proved that it holds a key, freshly (AES, NTAG 424 DNA, DESFire)
  holder_present  // in addition the holder did something: unlocked the phone, gave a PIN to the device
};
BOOST_DESCRIBE_ENUM(security_level, unknown, uid_only, signed_, authenticated, holder_present)

// Event, and the answer of await: a card is there. The uid and the reference say who somebody is to whoever
// has the customer list; they are personal.
struct presented {
  static constexpr const char* name = "tilld.reader/1.presented";
  static constexpr std::array<std::string_view, 1> secret_members{"proof"};
  static constexpr std::array<std::string_view, 2> personal_members{"uid", "reference"};
  std::uint64_t presentation = 0;  // grows by one with each card; removed names it
  tilld::card_reader::technology technology{};
  tilld::card_reader::security_level security_level{};
  std::optional<std::string> uid;     // upper-case hexadecimal, most significant octet first
  std::optional<bool> uid_is_random;  // phones and some cards show another uid each time; never enrol those
  std::optional<std::string> reference;  // what the issuer wrote on the card to find its account by
  std::optional<std::string> proof;      // one-time message or track that central verifies; never kept
};
BOOST_DESCRIBE_STRUCT(presented, (),
                      (presentation, technology, security_level, uid, uid_is_random, reference, proof))

// Event: the card left the field. Comes at most once a presentation, and not at all from readers that cannot
// tell.
struct removed {
  static constexpr const char* name = "tilld.reader/1.removed";
  std::uint64_t presentation = 0;
};
BOOST_DESCRIBE_STRUCT(removed, (), (presentation))

// Request: answers with the next card, or with the one that lies there now; TILLD_E_TIMEOUT when none comes
// before the deadline, TILLD_E_CANCELLED when it is cancelled. The event presented comes as well.
struct await {
  static constexpr const char* name = "tilld.reader/1.await";
  static constexpr const char* summary = "Answers with the next card, or with the one that lies there";
  static constexpr bool changes_state = false;
  static constexpr std::uint32_t deadline_ms_default = 60'000;
  using reply = presented;
  std::optional<tilld::card_reader::security_level> at_least;  // cards that prove less are passed over
};
BOOST_DESCRIBE_STRUCT(await, (), (at_least))

struct interface_1 {
  static constexpr const char* name = "tilld.reader/1";
  using requests = std::tuple<await>;
  using events = std::tuple<presented, removed>;
};

}  // namespace tilld::card_reader
