// Interface tilld.customer/1: who is the person with this card, and what may the cashier tell them.
// plugin-api/schema/tilld.customer.1.json is printed from this file.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include <tilld/money.hpp>
#include <tilld/vocabulary.hpp>

namespace tilld::customer {

enum class balance_kind { unknown, wallet, account, points, stamps };
BOOST_DESCRIBE_ENUM(balance_kind, unknown, wallet, account, points, stamps)

// What the customer has. amount for wallet and account, count for points and stamps. In an account a negative
// amount is what the customer owes.
struct balance {
  balance_kind kind{};
  std::optional<std::string> program;  // which points or stamps, where there are several
  std::optional<money> amount;
  std::optional<std::int64_t> count;
  std::optional<money> limit;  // of an account: how far it may be charged
};
BOOST_DESCRIBE_STRUCT(balance, (), (kind, program, amount, count, limit))

struct reward {
  std::string id;
  std::string title;
  std::optional<std::int64_t> points;   // what it costs
  std::optional<std::int64_t> missing;  // 0 or left out: it can be had now
};
BOOST_DESCRIBE_STRUCT(reward, (), (id, title, points, missing))

struct person {
  std::string id;  // a pseudonym, UUIDv7; the only part that may enter the journal
  std::optional<std::string> name;
  std::optional<std::string> level;  // "gold"
  std::optional<bool> blocked;
  std::vector<balance> balances;
  std::vector<reward> rewards;
};
BOOST_DESCRIBE_STRUCT(person, (), (id, name, level, blocked, balances, rewards))

struct identified {
  static constexpr std::array<std::string_view, 1> personal_members{"customer.name"};
  bool found = false;
  std::optional<person> customer;  // where found
  // RFC 3339: the moment at which this was true. Old figures are shown with their age, never as present ones.
  std::string as_of;
};
BOOST_DESCRIBE_STRUCT(identified, (), (found, customer, as_of))

// Request: exactly one of the members says who. A card that nobody knows is found = false, not an error.
struct identify {
  static constexpr const char* name = "tilld.customer/1.identify";
  static constexpr const char* summary =
      "Who somebody is, by exactly one of the members, with balances and rewards";
  static constexpr bool changes_state = false;
  static constexpr std::uint32_t deadline_ms_default = 3'000;
  static constexpr std::array<std::string_view, 2> secret_members{"code", "proof"};
  static constexpr std::array<std::string_view, 4> personal_members{"uid", "reference", "phone", "email"};
  using reply = identified;
  std::optional<std::string> uid;        // as card_reader::presented
  std::optional<std::string> reference;  // likewise
  std::optional<std::string> proof;      // likewise
  std::optional<std::string> code;       // as scanned from a card or phone
  std::optional<std::string> phone;
  std::optional<std::string> email;

  // Called by the reader.
  const char* complaint() const {
    const int given = !!uid + !!reference + !!proof + !!code + !!phone + !!email;
    return given == 1 ? nullptr : "must have exactly one of uid, reference, proof, code, phone, email";
  }
};
BOOST_DESCRIBE_STRUCT(identify, (), (uid, reference, proof, code, phone, email))

struct interface_1 {
  static constexpr const char* name = "tilld.customer/1";
  using requests = std::tuple<identify>;
  using events = std::tuple<>;
};

}  // namespace tilld::customer
