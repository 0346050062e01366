// token.add, token.list, token.remove: who may speak over TCP, HTTP and WebSocket.
#include <algorithm>

#include <boost/json.hpp>

#include "daemon/calls/params.hpp"
#include "daemon/calls/parts.hpp"
#include "wire/origin.hpp"

namespace tilld::daemon {

namespace asio = boost::asio;
using base::result;
using wire::answer;
using wire::make_error;
using wire::make_result;

namespace {

constexpr std::size_t tokens_max = 256;

void note(till_parts& till, const call& c, const char* what, const token_row& row) {
  boost::json::object body{
      {"change", what}, {"token", row.id}, {"role", row.role}, {"principal", c.who->principal}};
  if (!row.origin.empty()) body["origin"] = row.origin;
  journal_note(till, "config.token", std::move(body));
}

// Which pages may reach the till is said in one place, the configuration; a token cannot widen it.
result<std::string> allowed_origin(const till_parts& till, const boost::json::object& params) {
  auto given = text_in(params, "origin");
  if (!given) return std::string();
  auto origin = wire::parse_origin(*given);
  if (!origin) return invalid_member("origin", origin.error().detail);
  auto& http = till.settings.listen.http;
  if (!http)
    return invalid_member("origin", "pages cannot reach this till: listen.http is not set in tilld.yaml");
  if (std::find(http->origins.begin(), http->origins.end(), *origin) == http->origins.end())
    return invalid_member("origin", *origin + " does not stand in listen.http.origins of tilld.yaml");
  return *origin;
}

asio::awaitable<answer> add(till_parts& till, call c) {
  auto origin = allowed_origin(till, c.params);
  if (!origin) co_return make_error(origin.error(), c.who->language);
  // The schema lets no admin through: a token can be copied.
  auto r = parse_role(*text_in(c.params, "role"));
  if (till.tokens.rows().size() >= tokens_max)
    co_return make_error(invalid_member("role", "there are 256 tokens already"), c.who->language);
  auto fresh = token_book::make(*r, text_in(c.params, "note").value_or(""), till.clock.unix_ms(), *origin);
  store::work put = [row = fresh.row](rows& in) { return in.put_token(row); };
  auto stored = co_await till.journal.run(work_kind::housekeeps, std::move(put));
  if (!stored) co_return make_error(stored.error(), c.who->language);
  till.tokens.add(fresh.row);
  note(till, c, "added", fresh.row);
  // The one moment at which the token can be seen.
  boost::json::object o{{"id", fresh.row.id}, {"role", fresh.row.role}, {"token", fresh.token.reveal()}};
  if (!origin->empty()) o["origin"] = *origin;
  co_return make_result(o);
}

asio::awaitable<answer> remove(till_parts& till, call c) {
  auto id = text_in(c.params, "id");
  auto found = std::make_shared<bool>(false);
  store::work work = [found, id = *id](rows& in) -> result<> {
    auto removed = in.remove_token(id);
    if (!removed) return removed.error();
    *found = *removed;
    return {};
  };
  auto done = co_await till.journal.run(work_kind::housekeeps, std::move(work));
  if (!done) co_return make_error(done.error(), c.who->language);
  if (!*found) co_return make_error(invalid_member("id", "there is no such token"), c.who->language);
  till.tokens.remove(*id);
  if (till.hang_up) till.hang_up("token:" + *id);
  note(till, c, "removed", {*id});
  boost::json::object nothing;
  co_return make_result(nothing);
}

answer list_tokens(const till_parts& till) {
  boost::json::array list;
  for (auto& row : till.tokens.rows()) {
    boost::json::object one{
        {"id", row.id}, {"role", row.role}, {"note", row.note}, {"created_ms", row.created_ms}};
    if (!row.origin.empty()) one["origin"] = row.origin;
    list.push_back(std::move(one));
  }
  return make_result({{"tokens", std::move(list)}});
}

}  // namespace

void add_token_calls(router& methods, till_parts* till) {
  using namespace base::shape;
  methods.add(
      {.name = "token.add",
       .summary = "Makes a token for programs or for the pages of one origin, and shows it, once",
       .allowed = admins,
       .params = closed(object({needed("role", one_of({"till", "operator", "self_checkout", "read"}),
                                       "what its bearer may call; administration stays on the admin socket"),
                                optional("note", text(0, 64), "for people: who has it"),
                                optional("origin", text(1, 256),
                                         "of the pages that may use it, one of listen.http.origins; without "
                                         "it the token is for programs")})),
       .result = object({needed("id", text(), "for token.remove"), needed("role", text(), "as asked"),
                         needed("token", text(), "never shown again"),
                         optional("origin", text(), "as asked, as a browser spells it")}),
       .errors = {base::errc::storage_full, base::errc::storage_failed}},
      [till](call c) { return add(*till, std::move(c)); });
  methods.add({.name = "token.remove",
               .summary = "Takes a token back and ends the connections that use it",
               .allowed = admins,
               .params = closed(object({needed("id", text(1, 16), "of the token")})),
               .result = object({}),
               .errors = {base::errc::storage_full, base::errc::storage_failed}},
              [till](call c) { return remove(*till, std::move(c)); });
  methods.add({.name = "token.list",
               .summary = "The tokens that there are, without their secret half",
               .allowed = admins,
               .params = object({}),
               .result = object({needed(
                   "tokens",
                   list(object({needed("id", text(), "for token.remove"),
                                needed("role", text(), "of its bearer"), needed("note", text(), "for people"),
                                needed("created_ms", whole(), "in Unix milliseconds"),
                                optional("origin", text(), "of the pages that may use it")})),
                   "at most 256")})},
              [till](const call&) { return list_tokens(*till); });
}

}  // namespace tilld::daemon
