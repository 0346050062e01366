// token.add, token.list, token.remove: who may speak over TCP.
#include <boost/json.hpp>

#include "daemon/calls/params.hpp"
#include "daemon/calls/parts.hpp"

namespace tilld::daemon {

namespace asio = boost::asio;
using base::result;
using wire::answer;
using wire::make_error;
using wire::make_result;

namespace {

constexpr std::size_t tokens_max = 256;

void note(till_parts& till, const call& c, const char* what, const std::string& id, const std::string& r) {
  journal_note(till, "config.token",
               {{"change", what}, {"token", id}, {"role", r}, {"principal", c.who->principal}});
}

asio::awaitable<answer> add(till_parts& till, call c) {
  auto word = needed_text(c.params, "role", 32);
  auto remark = optional_text(c.params, "note", 64);
  if (!word) co_return make_error(word.error(), c.who->language);
  if (!remark) co_return make_error(remark.error(), c.who->language);
  auto r = parse_role(*word);
  // Administration stays on the admin socket: a token can be copied.
  if (!r || *r == role::admin)
    co_return make_error(invalid_member("role", "must be till, operator, self_checkout or read"),
                         c.who->language);
  if (till.tokens.rows().size() >= tokens_max)
    co_return make_error(invalid_member("role", "there are 256 tokens already"), c.who->language);
  auto fresh = token_book::make(*r, remark->value_or(""), till.clock.unix_ms());
  store::work put = [row = fresh.row](rows& in) { return in.put_token(row); };
  auto stored = co_await till.journal.run(work_kind::housekeeps, std::move(put));
  if (!stored) co_return make_error(stored.error(), c.who->language);
  till.tokens.add(fresh.row);
  note(till, c, "added", fresh.row.id, fresh.row.role);
  // The one moment at which the token can be seen.
  boost::json::object o{{"id", fresh.row.id}, {"role", fresh.row.role}, {"token", fresh.token.reveal()}};
  co_return make_result(o);
}

asio::awaitable<answer> remove(till_parts& till, call c) {
  auto id = needed_text(c.params, "id", 16);
  if (!id) co_return make_error(id.error(), c.who->language);
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
  note(till, c, "removed", *id, "");
  boost::json::object nothing;
  co_return make_result(nothing);
}

}  // namespace

void add_token_calls(till_parts& till) {
  till.methods.add({"token.add", admins, false, {}, [&till](call c) { return add(till, std::move(c)); }});
  till.methods.add(
      {"token.remove", admins, false, {}, [&till](call c) { return remove(till, std::move(c)); }});
  till.methods.add(
      {"token.list",
       admins,
       false,
       [&till](const call&) {
         boost::json::array list;
         for (auto& row : till.tokens.rows())
           list.push_back(
               {{"id", row.id}, {"role", row.role}, {"note", row.note}, {"created_ms", row.created_ms}});
         return make_result({{"tokens", std::move(list)}});
       },
       {}});
}

}  // namespace tilld::daemon
