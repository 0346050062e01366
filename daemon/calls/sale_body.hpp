// What a till says of a sale: the params of sale.record. Everything that a later figure needs has its place
// here (who, what, which category and tax, which discount, which tender, when, for which order), and
// everything but the total may be left out where the till does not know it. Unknown members are refused: a
// mistyped one could be an amount. What the till wants to keep beyond this goes into `extra`.
//
// No member is secret or personal, and none may become so: no names, telephone numbers or card numbers: a
// customer and an operator are ids. [pure]
#pragma once

#include <optional>
#include <string>
#include <vector>

#include <boost/describe.hpp>
#include <boost/json.hpp>

#include <tilld/money.hpp>
#include <tilld/vocabulary.hpp>

#include "base/error.hpp"
#include "base/id.hpp"
#include "base/money.hpp"
#include "base/schema.hpp"

namespace tilld::daemon::sale {

enum class sale_kind { sale, refund, void_ };
BOOST_DESCRIBE_ENUM(sale_kind, sale, refund, void_)

struct reference {
  std::string id;  // a pseudonym, 1 to 64 printable ASCII characters
};
BOOST_DESCRIBE_STRUCT(reference, (), (id))

struct tax {
  std::optional<std::string> code;     // the till's own
  std::optional<std::string> percent;  // decimal text, "19" or "7.5"; no float touches a figure
  std::optional<tilld::money> amount;  // contained in the line
};
BOOST_DESCRIBE_STRUCT(tax, (), (code, percent, amount))

struct discount {
  std::optional<std::string> reason;
  tilld::money amount;  // negative: what it takes off
};
BOOST_DESCRIBE_STRUCT(discount, (), (reason, amount))

struct line {
  std::optional<std::string> text;     // as on the receipt
  std::optional<std::string> product;  // the shop's number or a GTIN
  std::optional<std::string> category;
  std::optional<std::string> quantity;  // decimal text, "2" or "0.350"; "1" when left out
  std::optional<std::string> unit;      // "pc", "kg"
  std::optional<tilld::money> unit_price;
  std::optional<tilld::money> amount;  // after the line's own discounts, tax included
  std::optional<tilld::daemon::sale::tax> tax;
  std::optional<std::vector<discount>> discounts;  // already in amount
};
BOOST_DESCRIBE_STRUCT(line, (), (text, product, category, quantity, unit, unit_price, amount, tax, discounts))

struct tender {
  std::string type;                      // "cash", "card", "voucher", ...
  tilld::money amount;                   // change is a tender "cash" with a negative amount
  std::optional<std::string> reference;  // operation_id or the terminal's receipt number; never a card number
};
BOOST_DESCRIBE_STRUCT(tender, (), (type, amount, reference))

struct record {
  static constexpr bool moves_value = true;

  std::string idempotency_key;
  std::optional<sale_kind> kind;              // a sale when left out
  std::optional<std::string> receipt_number;  // the till's own
  tilld::money total;                         // what the customer owes; negative for a refund
  std::optional<std::vector<line>> lines;
  std::optional<std::vector<discount>> discounts;  // on the whole receipt
  std::optional<std::vector<tender>> tenders;
  std::optional<reference> customer, operator_, order, original;  // original: of a refund or void
  std::optional<std::string> started_at, paid_at, ended_at;       // RFC 3339
  std::optional<boost::json::object> extra;
};
BOOST_DESCRIBE_STRUCT(record, (),
                      (idempotency_key, kind, receipt_number, total, lines, discounts, tenders, customer,
                       operator_, order, original, started_at, paid_at, ended_at, extra))

struct checked {
  base::money total;
  // Sums that do not fit, in words ("the lines add up to 5.17 EUR, the total is 5.18 EUR"). A sale that
  // happened is recorded all the same, with these beside it: refusing it would only hide it.
  std::vector<std::string> differences;
};

// The params as JSON Schema, printed from `record`.
base::schema schema();

// invalid_params with the path of the member that is wrong.
base::result<checked> check(const boost::json::object& params);

}  // namespace tilld::daemon::sale
