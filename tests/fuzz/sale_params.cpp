// The params of every method, and those of a sale beyond their schema.
#include <boost/json.hpp>

#include <tilld/json_reader.hpp>
#include <tilld/json_writer.hpp>

#include "base/canonical_json.hpp"
#include "base/strict_json.hpp"
#include "daemon/calls/parts.hpp"
#include "daemon/calls/sale_body.hpp"
#include "tests/fuzz/target.hpp"

namespace tilld::fuzz {
namespace {

namespace json = boost::json;

void check_sale(const json::object& params) {
  auto sale = daemon::sale::check(params);
  if (!sale) {
    demand(sale.error().code == base::errc::invalid_params && !sale.error().detail.empty(),
           "a refusal says why");
    return;
  }
  demand(params.contains("idempotency_key"), "a sale has a key");
  demand(sale->total.minor <= base::money_minor_max && sale->total.minor >= -base::money_minor_max,
         "a total has its limit");
  // As a struct and back it is the same sale: nothing that moved value was passed over. Members that are null
  // say nothing, and extra is the till's own.
  auto record = tilld::from_json<daemon::sale::record>(params);
  auto again = tilld::to_json(record);
  auto second = daemon::sale::check(again.as_object());
  demand(second.has_value(), "what was read can be written");
  demand(second->total == sale->total && second->differences == sale->differences,
         "a sale stays the same sale");
}

// A method's params are taken or refused with words, the same each time; a sale that was taken is, as a
// struct and back, the same sale.
void eat(std::string_view octets) {
  static const auto table = daemon::whole_table();
  dice from(octets);
  auto which = from.octet();
  boost::system::error_code failed;
  auto value = base::parse_json(from.rest(), failed);
  if (failed || !value.is_object()) return;
  auto& params = value.get_object();
  if (which & 0x80) return check_sale(params);
  auto& method = table[which % table.size()];
  auto one = base::check_params(method.params, params);
  demand(one || (one.error().code == base::errc::invalid_params && !one.error().detail.empty()),
         "a refusal says why");
}

const target sale_params{"sale_params", eat};

}  // namespace
}  // namespace tilld::fuzz
