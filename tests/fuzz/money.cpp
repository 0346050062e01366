// Amounts: read, added and shown, beside arithmetic of 128 bits.
#include "base/money.hpp"

#include <boost/json.hpp>

#include "tests/fuzz/target.hpp"

namespace tilld::fuzz {
namespace {

namespace json = boost::json;

__extension__ using wide = __int128;

// "12.50 EUR" back into minor units, by a reader that knows nothing of base/money.cpp but the digits.
wide minor_in(std::string_view text, int digits) {
  bool below = text.starts_with('-');
  if (below) text.remove_prefix(1);
  wide value = 0;
  int behind = -1;
  for (char c : text) {
    if (c == ' ') break;
    if (c == '.') {
      behind = 0;
      continue;
    }
    demand(c >= '0' && c <= '9', "an amount has digits");
    value = value * 10 + (c - '0');
    if (behind >= 0) ++behind;
  }
  demand((behind < 0 ? 0 : behind) == digits, "an amount has the digits of its currency");
  return below ? -value : value;
}

void check(const base::money& m) {
  demand(m.minor <= base::money_minor_max && m.minor >= -base::money_minor_max, "an amount has its limit");
  demand(base::is_currency_code(m.currency), "an amount has a currency");
  demand(base::money::from_json(m.to_json(), "x").value() == m, "what is written is what was read");
  auto text = m.text();
  demand(text.ends_with(" " + m.currency), "the currency is shown");
  demand(minor_in(text, base::minor_digits(m.currency)) == m.minor, "what is shown is what it is");
}

base::money any(dice& from) {
  static constexpr const char* currencies[] = {"EUR", "JPY", "KWD", "XAF"};
  auto limit = static_cast<std::uint64_t>(base::money_minor_max);
  base::money m{0, currencies[from.up_to(3)]};
  auto how = from.octet();
  // The corners are met more often than chance would meet them.
  auto size = how & 1 ? from.number() % (limit + 1) : limit - from.octet();
  m.minor = static_cast<std::int64_t>(size) * (how & 2 ? -1 : 1);
  return m;
}

// No sum but the true one: add() says what 128 bits say, or refuses what is beyond the limit. No JSON but an
// integer of minor units with its currency is an amount.
void eat(std::string_view octets) {
  dice from(octets);
  if (from.octet() & 1) {
    json::error_code failed;
    auto value = json::parse(from.rest(), failed);
    if (failed) return;
    if (auto m = base::money::from_json(value, "amount")) check(*m);
    return;
  }
  auto total = any(from);
  check(total);
  while (!from.empty()) {
    auto next = any(from);
    check(next);
    auto sum = base::add(total, next);
    wide want = wide{total.minor} + next.minor;
    bool fits =
        total.currency == next.currency && want <= base::money_minor_max && want >= -base::money_minor_max;
    demand(sum.has_value() == fits, "a sum is refused where it is none");
    if (sum) demand(sum->minor == want && sum->currency == total.currency, "a sum is the sum");
    if (sum) total = *sum;
  }
}

const target money{"money", eat};

}  // namespace
}  // namespace tilld::fuzz
