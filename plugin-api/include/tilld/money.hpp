// An amount of money in a message: {"minor":1250,"currency":"EUR"} is 12.50 euro.
//
// An integer of the smallest unit, at most 2^53-1 either way so that every JSON reader keeps it exact; a
// fraction, 12.0 included, is refused. The currency is three capital letters (ISO 4217).
#pragma once

#include <cstdint>
#include <string>

#include <boost/describe.hpp>

namespace tilld {

inline constexpr std::int64_t money_minor_max = 9007199254740991;  // 2^53 - 1

struct money {
  // What the printed schemas say of it; complaint() below checks the same.
  static constexpr const char* schema =
      R"({"type":"object","properties":{)"
      R"("minor":{"type":"integer","minimum":-9007199254740991,"maximum":9007199254740991},)"
      R"("currency":{"type":"string","pattern":"^[A-Z]{3}$"}},"required":["minor","currency"]})";

  std::int64_t minor = 0;
  std::string currency;

  // Why this is not an amount of money, or nullptr. Called by the reader and by host.emit and replies.
  const char* complaint() const {
    if (minor > money_minor_max || minor < -money_minor_max)
      return "minor: must be at most 2^53-1 either way";
    if (currency.size() != 3) return "currency: must be three capital letters";
    for (char c : currency)
      if (c < 'A' || c > 'Z') return "currency: must be three capital letters";
    return nullptr;
  }

  bool operator==(const money&) const = default;
};
BOOST_DESCRIBE_STRUCT(money, (), (minor, currency))

}  // namespace tilld
