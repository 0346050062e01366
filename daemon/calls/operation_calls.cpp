// operation.get, operation.resolve
#include <boost/json.hpp>

#include "daemon/calls/params.hpp"
#include "daemon/calls/parts.hpp"
#include "daemon/calls/shapes.hpp"

namespace tilld::daemon {

namespace asio = boost::asio;
using base::errc;
using base::error;
using base::result;
using wire::answer;
using wire::make_error;
using wire::make_result;

namespace {

std::string_view state_name(operation_state s) {
  switch (s) {
    case operation_state::running: return "running";
    case operation_state::done: return "done";
    case operation_state::failed: return "failed";
    case operation_state::unknown: return "unknown";
  }
  return "unknown";
}

boost::json::object describe(const operation_row& row) {
  boost::json::object o{{"operation_id", row.id.text()},  {"method", row.key.method},
                        {"idempotency_key", row.key.key}, {"principal", row.key.principal},
                        {"state", state_name(row.state)}, {"changed_ms", row.changed_ms}};
  if (!row.device.empty()) o["device"] = row.device;
  if (row.sequence) o["sequence"] = row.sequence;
  if (row.kind == answer_kind::result) o["result"] = boost::json::parse(row.answer);
  if (row.kind == answer_kind::error) o["error"] = boost::json::parse(row.answer);
  if (row.kind == answer_kind::expired) o["answer"] = "expired";
  return o;
}

// By operation_id, or by idempotency_key and method of the caller itself. Staff sees everybody's.
asio::awaitable<answer> get(till_parts& till, call c) {
  auto language = c.who->language;
  auto id_text = text_in(c.params, "operation_id");
  auto key = text_in(c.params, "idempotency_key"), method = text_in(c.params, "method");
  std::optional<base::uuid> id;
  if (id_text) id = base::uuid::parse(*id_text);
  if (!id && (!key || !method))
    co_return make_error(invalid_member("operation_id", "is missing; or give idempotency_key and method"),
                         language);
  auto found = std::make_shared<std::optional<operation_row>>();
  operation_key by_key{c.who->principal, method.value_or(""), key.value_or("")};
  bool sees_all = (only(c.who->acts_as) & staff) != 0;
  auto patience = integer_in(c.params, "wait_ms").value_or(0);
  c.drop_params();
  if (patience > 0) {
    auto* running = id ? till.keyed.find_running(*id) : &by_key;
    if (running && (sees_all || running->principal == c.who->principal)) {
      auto which = *running;
      (void)co_await till.keyed.wait_for_end(which, std::chrono::milliseconds(patience), c.cancel);
    }
  }
  auto refuse = [&] {
    return make_error({errc::operation_not_found, "no such operation of this principal"}, language);
  };
  auto may_see = [&](const operation_row& row) { return sees_all || row.key.principal == c.who->principal; };
  // A question is in memory alone.
  if (auto* question = id ? till.keyed.find_question(*id) : till.keyed.find_question(by_key))
    co_return may_see(*question) ? make_result(describe(*question)) : refuse();
  // An attempt that came to nothing gave way to another one under the same key.
  std::optional<operation_key> later;
  if (auto* former = id ? till.keyed.find_former(*id) : nullptr) later = *former;
  store::work look = [found, id, by_key, later](rows& in) -> result<> {
    auto row = id ? in.find_operation(*id) : in.find_operation(by_key);
    if (row && !*row && later) row = in.find_operation(*later);
    if (!row) return row.error();
    *found = std::move(*row);
    return {};
  };
  auto looked = co_await till.journal.run(work_kind::reads, std::move(look));
  if (!looked) co_return make_error(looked.error(), language);
  if (!*found || !may_see(**found)) co_return refuse();
  co_return make_result(describe(**found));
}

// A person looked and decides what became of an operation that nobody can tell. It stands in the journal who.
asio::awaitable<answer> resolve(till_parts& till, call c) {
  auto language = c.who->language;
  auto id = base::uuid::parse(*text_in(c.params, "operation_id"));
  auto outcome = text_in(c.params, "outcome"), reason = text_in(c.params, "reason");
  // A call under the same key may be asking the device at this moment; its word and a person's must not
  // cross.
  auto present = std::make_shared<std::optional<operation_row>>();
  store::work look = [present, id = *id](rows& in) -> result<> {
    auto row = in.find_operation(id);
    if (!row) return row.error();
    *present = std::move(*row);
    return {};
  };
  auto looked = co_await till.journal.run(work_kind::reads, std::move(look));
  if (!looked) co_return make_error(looked.error(), language);
  if (*present && till.keyed.is_running((*present)->key)) {
    error why{errc::still_running, "a call under this key is in progress; resolve it when it has ended"};
    co_return make_error(why, language, *id);
  }
  auto changed = std::make_shared<operation_row>();
  auto principal = c.who->principal;
  auto now = till.clock.unix_ms();
  store::work decide_it = [changed, id = *id, done = *outcome == "done", why = *reason, principal,
                           now](rows& in) -> result<> {
    auto row = in.find_operation(id);
    if (!row) return row.error();
    if (!*row) return error{errc::operation_not_found, "no such operation"};
    if ((*row)->state != operation_state::unknown)
      return error{errc::invalid_params, "operation_id: is " + std::string(state_name((*row)->state)) +
                                             ", only unknown ones are resolved"};
    *changed = **row;
    changed->state = done ? operation_state::done : operation_state::failed;
    changed->kind = done ? answer_kind::result : answer_kind::none;
    changed->answer = done ? R"({"resolved":"by a person"})" : "";
    changed->changed_ms = now;
    boost::json::object body{{"operation_id", id.text()},
                             {"method", changed->key.method},
                             {"outcome", done ? "done" : "not_done"},
                             {"reason", why},
                             {"principal", principal}};
    journal_entry entry{"operation.resolved", boost::json::serialize(body), std::nullopt};
    if (auto appended = in.append(entry); !appended) return appended.error();
    return in.put_operation(*changed);
  };
  auto done = co_await till.journal.run(work_kind::books, std::move(decide_it));
  if (!done) co_return make_error(done.error(), language);
  co_return make_result(describe(*changed));
}

asio::awaitable<answer> list_unknown(till_parts& till, call c) {
  auto found = std::make_shared<std::vector<operation_row>>();
  store::work look = [found](rows& in) -> result<> {
    auto all = in.unknown_operations(1000);
    if (!all) return all.error();
    *found = std::move(*all);
    return {};
  };
  auto looked = co_await till.journal.run(work_kind::reads, std::move(look));
  if (!looked) co_return make_error(looked.error(), c.who->language);
  boost::json::array list;
  for (auto& row : *found) list.push_back(describe(row));
  boost::json::object result_object{{"operations", std::move(list)}};
  co_return make_result(result_object);
}

}  // namespace

void tell_of_operations(till_parts& till) {
  till.keyed.on_finished = [&till](const operation_row& row, const answer& a) {
    boost::json::object data{{"operation_id", row.id.text()},
                             {"method", row.key.method},
                             {"idempotency_key", row.key.key},
                             {"state", state_name(row.state)}};
    // What it came to may be worth money or say who somebody is; operation.get has it, for its own principal.
    if (a.is_error && row.state != operation_state::done) data["error"] = boost::json::parse(a.text);
    event e;
    e.topic = "operation.finished";
    e.source = row.device;
    e.data = boost::json::serialize(data);
    e.principal = row.key.principal;
    till.events.publish(std::move(e));
  };
}

void add_operation_calls(router& methods, till_parts* till) {
  using namespace base::shape;
  methods.add({.name = "operation.get",
               .summary = "What became of a call with a key: by operation_id, or by method and "
                          "idempotency_key of this caller",
               .allowed = anyone,
               .params = object({optional("operation_id", uuid(), "of the daemon"),
                                 optional("method", text(1, 128), "together with idempotency_key"),
                                 optional("idempotency_key", text(1, 64), "together with method"),
                                 optional("wait_ms", whole(0, wait_ms_max),
                                          "how long to wait for its end while it runs; 0 when left out")}),
               .result = shape_of_operation(),
               .errors = {errc::operation_not_found, errc::storage_failed}},
              [till](call c) { return get(*till, std::move(c)); });
  methods.add(
      {.name = "operation.unknown",
       .summary = "The operations whose outcome nobody can tell, at most 1000",
       .allowed = staff,
       .params = object({}),
       .result = object({needed("operations", list(shape_of_operation()), "as operation.get answers")}),
       .errors = {errc::storage_failed}},
      [till](call c) { return list_unknown(*till, std::move(c)); });
  methods.add(
      {.name = "operation.resolve",
       .summary = "A person looked and decides what became of an unknown operation; who and why stand in the "
                  "journal",
       .allowed = staff,
       .params = closed(object({needed("operation_id", uuid(), "of the daemon"),
                                needed("outcome", one_of({"done", "not_done"}), "what the person found"),
                                needed("reason", text(1, 200), "how it was found out")})),
       .result = shape_of_operation(),
       .errors = {errc::operation_not_found, errc::still_running, errc::storage_full, errc::storage_failed}},
      [till](call c) { return resolve(*till, std::move(c)); });
}

}  // namespace tilld::daemon
