// Interface tilld.tender/1: what takes payments (wallet, voucher, payment terminal).
// plugin-api/schema/tilld.tender.1.json is printed from this file.
//
// Money moves in two steps: authorize holds it, capture takes what was held; release lets an unused hold go;
// reverse gives back what an operation took. Each carries an operation_id: the same id again answers with the
// first outcome, a decline included, and never moves money again. After a time-out or a crash the daemon asks
// outcome with that id. A decline is a value and not an error.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <tuple>

#include <boost/json.hpp>

#include <tilld/money.hpp>
#include <tilld/vocabulary.hpp>

namespace tilld::tender {

enum class decision { approved, partially_approved, declined };
BOOST_DESCRIBE_ENUM(decision, approved, partially_approved, declined)

enum class decline_reason {
  unknown,
  insufficient_funds,
  limit_exceeded,
  blocked,
  expired,
  not_found,
  wrong_pin,
  pin_blocked,
  pin_required,
  wrong_currency,
  offline_not_allowed,
  nothing_to_release,
  customer_cancelled,
  refused_by_issuer
};
BOOST_DESCRIBE_ENUM(decline_reason, unknown, insufficient_funds, limit_exceeded, blocked, expired, not_found,
                    wrong_pin, pin_blocked, pin_required, wrong_currency, offline_not_allowed,
                    nothing_to_release, customer_cancelled, refused_by_issuer)

// What is paid with. At most one of the first three for tenders of the house; none where the terminal itself
// asks for the card.
struct instrument {
  std::optional<std::string> uid;        // as card_reader::presented
  std::optional<std::string> reference;  // likewise
  std::optional<std::string> token;      // proof of a card, code of a voucher
  std::optional<std::string> pin;
};
BOOST_DESCRIBE_STRUCT(instrument, (), (uid, reference, token, pin))

struct authorized {
  tilld::tender::decision decision{};
  std::optional<decline_reason> reason;  // where declined
  std::optional<std::string>
      authorization;                   // names the hold in capture and release; where something was approved
  std::optional<money> taken;          // held for this sale
  std::optional<money> to_pay;         // amount minus taken: to be paid another way
  std::optional<money> left;           // what remains on the card or voucher, where it can be told
  std::optional<std::string> expires;  // RFC 3339: when the hold lets go by itself
  std::optional<std::string> text;     // what the issuer wants the receipt to say
};
BOOST_DESCRIBE_STRUCT(authorized, (), (decision, reason, authorization, taken, to_pay, left, expires, text))

struct authorize {
  static constexpr const char* name = "tilld.tender/1.authorize";
  static constexpr const char* summary = "Holds an amount for a sale; a decline is an answer";
  static constexpr bool changes_state = true;
  static constexpr bool moves_value = true;
  static constexpr std::uint32_t deadline_ms_default = 60'000;
  static constexpr std::array<std::string_view, 2> secret_members{"instrument.token", "instrument.pin"};
  static constexpr std::array<std::string_view, 2> personal_members{"instrument.uid", "instrument.reference"};
  using reply = authorized;
  std::string operation_id;
  money amount;
  std::optional<bool> partial;  // take what is there and leave the rest to pay; all or nothing when left out
  std::optional<std::string> sale;  // the till's reference of the sale, at most 64 characters
  std::optional<tilld::tender::instrument> instrument;
};
BOOST_DESCRIBE_STRUCT(authorize, (), (operation_id, amount, partial, sale, instrument))

struct captured {
  tilld::tender::decision decision{};
  std::optional<decline_reason> reason;
  std::optional<money> taken;
  std::optional<money> left;
};
BOOST_DESCRIBE_STRUCT(captured, (), (decision, reason, taken, left))

// Request: takes at most what the authorization holds and lets the rest go.
struct capture {
  static constexpr const char* name = "tilld.tender/1.capture";
  static constexpr const char* summary = "Takes at most what the authorization holds and lets the rest go";
  static constexpr bool changes_state = true;
  static constexpr bool moves_value = true;
  static constexpr std::uint32_t deadline_ms_default = 30'000;
  using reply = captured;
  std::string operation_id;
  std::string authorization;
  money amount;
};
BOOST_DESCRIBE_STRUCT(capture, (), (operation_id, authorization, amount))

struct released {
  tilld::tender::decision decision{};
  std::optional<decline_reason> reason;
  std::optional<money> left;
};
BOOST_DESCRIBE_STRUCT(released, (), (decision, reason, left))

// Request: lets a hold go. A hold that was captured is not released: reverse the capture.
struct release {
  static constexpr const char* name = "tilld.tender/1.release";
  static constexpr const char* summary = "Lets a hold go that was not captured";
  static constexpr bool changes_state = true;
  static constexpr bool moves_value = true;
  static constexpr std::uint32_t deadline_ms_default = 30'000;
  using reply = released;
  std::string operation_id;
  std::string authorization;
};
BOOST_DESCRIBE_STRUCT(release, (), (operation_id, authorization))

struct reversed {
  tilld::tender::decision decision{};
  std::optional<decline_reason> reason;
  std::optional<money> returned;
  std::optional<money> left;
};
BOOST_DESCRIBE_STRUCT(reversed, (), (decision, reason, returned, left))

// Request: undoes an authorize or capture by its operation_id, whole or in part. An operation that never
// arrived is closed for good by it: should it arrive late, it is declined (a tombstone), so that a till that
// gave up and took cash is never charged afterwards.
struct reverse {
  static constexpr const char* name = "tilld.tender/1.reverse";
  static constexpr const char* summary =
      "Undoes an authorize or capture by its operation_id, whole or in part";
  static constexpr bool changes_state = true;
  static constexpr bool moves_value = true;
  static constexpr std::uint32_t deadline_ms_default = 30'000;
  using reply = reversed;
  std::string operation_id;
  std::string reversed_operation_id;
  std::optional<money> amount;  // of a captured sum; everything when left out
};
BOOST_DESCRIBE_STRUCT(reverse, (), (operation_id, reversed_operation_id, amount))

struct outcome_known {
  operation_state state{};
  std::optional<boost::json::object>
      result;  // the reply that the operation got or would have got; where state is done
};
BOOST_DESCRIBE_STRUCT(outcome_known, (), (state, result))

struct outcome {
  static constexpr const char* name = "tilld.tender/1.outcome";
  static constexpr const char* summary = "What became of an operation";
  static constexpr bool changes_state = false;
  static constexpr std::uint32_t deadline_ms_default = 10'000;
  using reply = outcome_known;
  std::string operation_id;
};
BOOST_DESCRIBE_STRUCT(outcome, (), (operation_id))

struct interface_1 {
  static constexpr const char* name = "tilld.tender/1";
  using requests = std::tuple<authorize, capture, release, reverse, outcome>;
  using events = std::tuple<>;
};

}  // namespace tilld::tender
