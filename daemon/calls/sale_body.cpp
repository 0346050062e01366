#include "daemon/calls/sale_body.hpp"

#include <algorithm>

#include <tilld/json_reader.hpp>
#include <tilld/json_schema.hpp>

namespace tilld::daemon::sale {

using base::errc;
using base::error;
using base::result;

namespace {

constexpr std::size_t lines_max = 5000;
constexpr std::size_t text_size_max = 256;

error invalid(const std::string& why) { return {errc::invalid_params, why}; }

// "2", "-1", "0.350": digits with at most one point, no exponent.
bool is_decimal(std::string_view text) {
  if (text.starts_with('-')) text.remove_prefix(1);
  if (text.empty() || text.size() > 24) return false;
  auto point = text.find('.');
  auto digits = [](std::string_view s) {
    return !s.empty() && std::all_of(s.begin(), s.end(), [](char c) { return c >= '0' && c <= '9'; });
  };
  if (point == std::string_view::npos) return digits(text);
  return digits(text.substr(0, point)) && digits(text.substr(point + 1));
}

// RFC 3339, as far as its shape goes: 2026-11-21T14:05:00+01:00
bool is_time(std::string_view t) {
  if (t.size() < 20 || t.size() > 35) return false;
  static constexpr std::string_view shape = "dddd-dd-ddTdd:dd:dd";
  for (std::size_t i = 0; i < shape.size(); ++i) {
    bool digit = t[i] >= '0' && t[i] <= '9';
    if (shape[i] == 'd' ? !digit : t[i] != shape[i]) return false;
  }
  auto rest = t.substr(shape.size());
  if (rest.starts_with('.')) {
    auto end = rest.find_first_not_of("0123456789", 1);
    if (end == std::string_view::npos || end == 1) return false;
    rest = rest.substr(end);
  }
  if (rest == "Z") return true;
  return rest.size() == 6 && (rest[0] == '+' || rest[0] == '-') && rest[3] == ':' &&
         rest.find_first_not_of("0123456789", 1) == 3 &&
         rest.find_first_not_of("0123456789", 4) == std::string_view::npos;
}

// Adds up amounts; remembers a currency that does not fit and a sum beyond the limit.
class sum {
 public:
  explicit sum(std::string currency) : total_{0, std::move(currency)} {}
  result<> add(const tilld::money& m, const std::string& path) {
    if (m.currency != total_.currency)
      return invalid(path + ": must be in " + total_.currency + ", as the total is");
    auto next = base::add(total_, {m.minor, m.currency});
    if (!next) return invalid(path + ": " + next.error().detail);
    total_ = *next;
    return {};
  }
  const base::money& total() const { return total_; }

 private:
  base::money total_;
};

result<> check_texts(const record& r) {
  auto id = [](const std::optional<reference>& ref, const char* path) -> result<> {
    if (ref && !base::is_idempotency_key(ref->id))
      return invalid(std::string(path) + ".id: must be 1 to 64 printable ASCII characters");
    return {};
  };
  if (auto fine = id(r.customer, "customer"); !fine) return fine;
  if (auto fine = id(r.operator_, "operator"); !fine) return fine;
  if (auto fine = id(r.order, "order"); !fine) return fine;
  if (auto fine = id(r.original, "original"); !fine) return fine;
  if (r.receipt_number && r.receipt_number->size() > 64)
    return invalid("receipt_number: must have at most 64 characters");
  for (auto [value, path] : {std::pair(&r.started_at, "started_at"), std::pair(&r.paid_at, "paid_at"),
                             std::pair(&r.ended_at, "ended_at")})
    if (*value && !is_time(**value))
      return invalid(std::string(path) + ": must be a time such as 2026-11-21T14:05:00+01:00");
  return {};
}

result<> check_line(const line& l, const std::string& path, sum& in_currency) {
  for (auto [value, name] : {std::pair(&l.text, "text"), std::pair(&l.product, "product"),
                             std::pair(&l.category, "category"), std::pair(&l.unit, "unit")})
    if (*value && (*value)->size() > text_size_max)
      return invalid(path + "." + name + ": must have at most 256 characters");
  if (l.quantity && !is_decimal(*l.quantity))
    return invalid(path + ".quantity: must be a decimal text such as \"0.350\"");
  if (l.tax && l.tax->percent && !is_decimal(*l.tax->percent))
    return invalid(path + ".tax.percent: must be a decimal text such as \"7.5\"");
  // Only the currency matters here; these are not added up.
  for (auto [value, name] : {std::pair(&l.unit_price, "unit_price")})
    if (*value && (*value)->currency != in_currency.total().currency)
      return invalid(path + "." + name + ": must be in " + in_currency.total().currency +
                     ", as the total is");
  if (l.tax && l.tax->amount && l.tax->amount->currency != in_currency.total().currency)
    return invalid(path + ".tax.amount: must be in " + in_currency.total().currency + ", as the total is");
  if (l.discounts)
    for (auto& d : *l.discounts)
      if (d.amount.currency != in_currency.total().currency)
        return invalid(path + ".discounts: must be in " + in_currency.total().currency + ", as the total is");
  return {};
}

}  // namespace

base::schema schema() { return base::schema(tilld::schema_of<record>(tilld::unknown_members::refused)); }

result<checked> check(const boost::json::object& params) {
  record r;
  try {
    boost::json::monotonic_resource memory;
    r = tilld::from_json<record>(boost::json::value(params, &memory));
  } catch (const tilld::failure& why) {
    return invalid(why.what());
  }
  if (auto fine = check_texts(r); !fine) return fine.error();
  checked c{{r.total.minor, r.total.currency}, {}};
  auto compare = [&](const base::money& got, const char* what) {
    if (got.minor != c.total.minor)
      c.differences.push_back(std::string(what) + " add up to " + got.text() + ", the total is " +
                              c.total.text());
  };
  sum lines(c.total.currency);
  bool all_lines_priced = r.lines && !r.lines->empty();
  if (r.lines) {
    if (r.lines->size() > lines_max) return invalid("lines: must be at most 5000");
    for (std::size_t i = 0; i < r.lines->size(); ++i) {
      auto& l = (*r.lines)[i];
      auto path = "lines." + std::to_string(i);
      if (auto fine = check_line(l, path, lines); !fine) return fine.error();
      if (!l.amount) {
        all_lines_priced = false;
        continue;
      }
      if (auto added = lines.add(*l.amount, path + ".amount"); !added) return added.error();
    }
  }
  if (r.discounts)
    for (std::size_t i = 0; i < r.discounts->size(); ++i)
      if (auto added = lines.add((*r.discounts)[i].amount, "discounts." + std::to_string(i) + ".amount");
          !added)
        return added.error();
  if (all_lines_priced) compare(lines.total(), "the lines");
  if (r.tenders && !r.tenders->empty()) {
    sum tenders(c.total.currency);
    for (std::size_t i = 0; i < r.tenders->size(); ++i) {
      auto& t = (*r.tenders)[i];
      auto path = "tenders." + std::to_string(i);
      if (t.type.empty() || t.type.size() > 32) return invalid(path + ".type: must have 1 to 32 characters");
      if (auto added = tenders.add(t.amount, path + ".amount"); !added) return added.error();
    }
    compare(tenders.total(), "the tenders");
  }
  return c;
}

}  // namespace tilld::daemon::sale
