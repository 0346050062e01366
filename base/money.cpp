#include "base/money.hpp"

#include <algorithm>

#include <boost/json.hpp>

namespace tilld::base {
namespace {

// An integer, however the sender's library typed it, as long as it is written as one.
bool as_integer(const boost::json::value& value, std::int64_t& out) {
  if (auto* i = value.if_int64()) {
    out = *i;
    return true;
  }
  return false;  // an uint64 beyond int64 is far beyond the limit as well
}

}  // namespace

bool is_currency_code(std::string_view text) {
  return text.size() == 3 &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= 'A' && c <= 'Z'; });
}

result<money> money::from_json(const boost::json::value& value, std::string_view member) {
  auto wrong = [&](const std::string& why) { return error{errc::invalid_params, std::string(member) + why}; };
  auto* object = value.if_object();
  if (!object || object->size() > 2) return wrong(R"( must be {"minor":1250,"currency":"EUR"})");
  auto* minor = object->if_contains("minor");
  auto* currency = object->if_contains("currency");
  money m;
  if (!minor || !as_integer(*minor, m.minor)) return wrong(".minor must be an integer of minor units");
  if (m.minor > money_minor_max || m.minor < -money_minor_max) return wrong(".minor is beyond 2^53-1");
  if (!currency || !currency->is_string() || !is_currency_code(currency->get_string()))
    return wrong(".currency must be three capital letters (ISO 4217)");
  m.currency = std::string(currency->get_string());
  return m;
}

boost::json::object money::to_json() const { return {{"minor", minor}, {"currency", currency}}; }

int minor_digits(std::string_view currency) {
  static constexpr std::string_view none[] = {"BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW",
                                              "PYG", "RWF", "UGX", "VND", "VUV", "XAF", "XOF", "XPF"};
  static constexpr std::string_view three[] = {"BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"};
  if (std::find(std::begin(none), std::end(none), currency) != std::end(none)) return 0;
  if (std::find(std::begin(three), std::end(three), currency) != std::end(three)) return 3;
  return 2;
}

std::string money::text() const {
  auto digits = std::to_string(minor < 0 ? -minor : minor);
  if (auto places = static_cast<std::size_t>(minor_digits(currency)); places > 0) {
    if (digits.size() <= places) digits.insert(0, places + 1 - digits.size(), '0');
    digits.insert(digits.size() - places, 1, '.');
  }
  return (minor < 0 ? "-" : "") + digits + " " + currency;
}

result<money> add(const money& a, const money& b) {
  if (a.currency != b.currency)
    return error{errc::invalid_params, "cannot add " + a.currency + " and " + b.currency};
  auto sum = a.minor + b.minor;  // both are within 2^53, so 64 bits cannot overflow
  if (sum > money_minor_max || sum < -money_minor_max)
    return error{errc::invalid_params, "sum is beyond 2^53-1"};
  return money{sum, a.currency};
}

}  // namespace tilld::base
