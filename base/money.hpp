// An amount: an integer of minor units and its currency. No float touches it, here or anywhere.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <boost/json/fwd.hpp>

#include "base/error.hpp"

namespace tilld::base {

// What a JSON number can carry without loss (2^53 - 1); also the limit of an amount either way.
inline constexpr std::int64_t money_minor_max = 9'007'199'254'740'991;

struct money {
  std::int64_t minor = 0;
  std::string currency;  // ISO 4217, three capital letters

  // {"minor":1250,"currency":"EUR"}; anything else, a fraction and an exponent included, is invalid_params
  // with the name of the member in its detail.
  static result<money> from_json(const boost::json::value& value, std::string_view member);
  boost::json::object to_json() const;

  // "12.50 EUR", "1250 JPY", "1.250 KWD": digits by ISO 4217, always with a point, for logs and terminals.
  std::string text() const;
  bool operator==(const money&) const = default;
};

// Sum of two amounts of one currency; invalid_params when the currencies differ or the limit is passed.
result<money> add(const money& a, const money& b);

// Digits after the point by ISO 4217: 0 for JPY, 3 for KWD, 2 for most.
int minor_digits(std::string_view currency);

bool is_currency_code(std::string_view text);

}  // namespace tilld::base
