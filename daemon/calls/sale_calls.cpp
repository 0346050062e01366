// sale.record: one transaction gives number, chain, stored answer.
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/json.hpp>

#include "base/log.hpp"
#include "daemon/calls/parts.hpp"
#include "daemon/calls/sale_body.hpp"

namespace tilld::daemon {

namespace asio = boost::asio;
using base::result;
using wire::answer;
using wire::make_error;

namespace {

constexpr std::size_t large_sale = 32 * 1024;

// What the daemon knows of the call, to stand beside the till's own words.
boost::json::object around_the_sale(const till_parts& till, const call& c,
                                    const std::vector<std::string>& differences) {
  boost::json::object around{{"merchant", till.settings.merchant},
                             {"branch", till.settings.branch},
                             {"principal", c.who->principal},
                             {"role", name(c.who->acts_as)},
                             {"client", c.who->client}};
  if (!differences.empty()) around["differences"] = boost::json::value_from(differences);
  return around;
}

// The body of the record: the params stand in it octet for octet as they came.
std::string journal_body(boost::json::object around, const std::string& raw_params,
                         const base::uuid& operation) {
  around["operation_id"] = operation.text();
  auto text = boost::json::serialize(around);
  text.pop_back();
  text += R"(,"sale":)";
  text += raw_params;
  text += "}";
  return text;
}

std::string rfc3339(std::int64_t unix_ms) {
  std::time_t seconds = static_cast<std::time_t>(unix_ms / 1000);
  std::tm utc{};
  gmtime_r(&seconds, &utc);
  char text[96];
  std::snprintf(text, sizeof text, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", utc.tm_year + 1900, utc.tm_mon + 1,
                utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec, static_cast<int>(unix_ms % 1000));
  return text;
}

// What the params say, checked, and what makes them the same or others under their key. Throws nothing: an
// exception would carry the call on in the wrong thread. [any thread]
result<std::pair<sale::checked, base::hash256>> look_through(const keyed_calls& keyed, const call& c) noexcept
    try {
  // The journal keeps the text as it came: whoever reads it later must find the amount that was checked here.
  if (auto twice = wire::repeated_member(c.raw_params, c.params))
    return base::error{base::errc::invalid_params, *twice + ": stands there twice"};
  auto checked = sale::check(c.params);
  if (!checked) return checked.error();
  return std::pair(std::move(*checked), keyed.content_of(c.params, {}));
} catch (const std::exception& bug) {
  base::log(base::log_level::error, "A sale could not be looked through", {{"what", bug.what()}});
  return base::error{base::errc::internal, ""};
}

asio::awaitable<answer> record_sale(till_parts& till, call c) {
  if (!c.params.contains("idempotency_key")) {
    base::error why{base::errc::key_missing, "sale.record needs idempotency_key"};
    co_return make_error(why, c.who->language);
  }
  // A receipt of a mebibyte takes ten milliseconds to look through; others go on meanwhile.
  bool aside = till.aside && c.raw_params.size() > large_sale;
  if (aside) co_await asio::post(asio::bind_executor(till.aside, asio::use_awaitable));
  auto looked = look_through(till.keyed, c);
  if (aside) co_await asio::post(asio::bind_executor(till.executor, asio::use_awaitable));
  if (!looked) co_return make_error(looked.error(), c.who->language);
  auto* checked = &looked->first;
  // Everything that the booking needs is copied here: it may run on the store's thread.
  keyed_calls::booking effect = [around = around_the_sale(till, c, checked->differences), raw = c.raw_params,
                                 checked = *checked](rows& in,
                                                     const base::uuid& operation) -> result<answer> {
    journal_entry entry{"sale", journal_body(around, raw, operation), checked.total};
    auto header = in.append(entry);
    if (!header) return header.error();
    boost::json::object reply{{"operation_id", operation.text()},
                              {"record_id", header->id.text()},
                              {"epoch", header->epoch},
                              {"sequence", header->sequence},
                              {"hash", base::to_hex(in.head().hash)},
                              {"recorded_at", rfc3339(header->happened.unix_ms)}};
    if (!checked.differences.empty()) reply["differences"] = boost::json::value_from(checked.differences);
    return wire::make_result(reply);
  };
  keyed_calls::request request{std::move(c), {}, false, looked->second};
  co_return co_await till.keyed.book(std::move(request), std::move(effect));
}

}  // namespace

void add_sale_calls(router& methods, till_parts* till) {
  using namespace base::shape;
  methods.add(
      {.name = "sale.record",
       .summary = "Writes a sale into the journal; it is on the disk when the answer comes",
       .allowed = checkouts,
       .key = keyed::always,
       .keeps_raw_params = true,
       .checked = params_checked::by_call,
       .params = sale::schema(),
       .result = object(
           {needed("operation_id", uuid(), "for operation.get"), needed("record_id", uuid(), "of the record"),
            needed("epoch", whole(1), "how many tills had this id"),
            needed("sequence", whole(1), "its number"), needed("hash", hex(32), "its link of the chain"),
            needed("recorded_at", text(), "RFC 3339"),
            optional("differences", list(text()),
                     "sums that do not fit; the sale is recorded all the same")})},
      [till](call c) { return record_sale(*till, std::move(c)); });
}

}  // namespace tilld::daemon
