// What the daemon offers to plugins: tilld.state/1, tilld.journal/1, tilld.central/1. A plugin asks only for
// what its descriptor names in `uses`, and sees only its own instance's state.
#include <tilld/plugin.h>

#include <map>
#include <set>

#include <boost/asio/co_spawn.hpp>
#include <boost/json.hpp>

#include <tilld/services.hpp>

#include "base/log.hpp"
#include "base/strict_json.hpp"
#include "daemon/calls/parts.hpp"
#include "plugin-api/catalogue.hpp"

namespace tilld::daemon {

namespace asio = boost::asio;
using base::errc;
using base::error;
using base::result;

namespace {

constexpr std::size_t services_running_max = 64;  // of one instance

struct service_reply {
  std::int32_t status = TILLD_OK;
  boost::json::object body;
};

std::int32_t status_of(errc code) {
  switch (code) {
    case errc::invalid_params:
    case errc::message_too_large: return TILLD_E_INVALID;
    case errc::unknown_method:
    case errc::forbidden: return TILLD_E_UNSUPPORTED;
    case errc::busy:
    case errc::storage_full: return TILLD_E_BUSY;
    case errc::outcome_unknown: return TILLD_E_TIMEOUT;
    case errc::storage_failed: return TILLD_E_IO;
    default: return TILLD_E_INTERNAL;
  }
}

service_reply refusal(const error& why) {
  return {status_of(why.code), {{"detail", why.detail}, {"kind", base::describe(why.code).kind}}};
}

std::string text_of(const boost::json::object& body, std::string_view name) {
  auto* v = body.if_contains(boost::json::string_view(name.data(), name.size()));
  return v && v->is_string() ? std::string(v->get_string()) : std::string();
}

// The bodies were checked against the catalogue, so members are there with the right types.
asio::awaitable<service_reply> state_service(till_parts& till, std::string instance_name, std::string word,
                                             boost::json::object body) {
  auto key = text_of(body, "key");
  auto out = std::make_shared<boost::json::object>();
  store::work work;
  auto kind = work_kind::reads;
  if (word == "get") {
    work = [out, instance_name, key](rows& in) -> result<> {
      auto found = in.find_state(instance_name, key);
      if (!found) return found.error();
      (*out)["present"] = found->has_value();
      if (*found) (*out)["value"] = boost::json::parse(base::as_text(**found));
      return {};
    };
  } else if (word == "put") {
    auto text = boost::json::serialize(body.at("value"));
    if (text.size() > tilld::services::state::value_size_max) {
      error why{errc::message_too_large, "value: is larger than 64 KiB"};
      co_return refusal(why);
    }
    kind = work_kind::housekeeps;
    work = [instance_name, key, text](rows& in) {
      return in.put_state(instance_name, key, base::as_bytes(text));
    };
  } else if (word == "remove") {
    kind = work_kind::housekeeps;
    work = [instance_name, key](rows& in) { return in.remove_state(instance_name, key); };
  } else {
    work = [out, instance_name, prefix = text_of(body, "prefix"),
            after = text_of(body, "after")](rows& in) -> result<> {
      constexpr int keys_max = 1000;
      auto keys = in.list_state(instance_name, prefix, after, keys_max + 1);
      if (!keys) return keys.error();
      bool more = keys->size() > keys_max;
      if (more) keys->pop_back();
      (*out)["keys"] = boost::json::value_from(*keys);
      (*out)["more"] = more;
      return {};
    };
  }
  auto done = co_await till.journal.run(kind, std::move(work));
  if (!done) co_return refusal(done.error());
  service_reply reply;
  reply.body = std::move(*out);
  co_return reply;
}

// Every record of a plugin has the kind plugin.note, so that none can pass for a sale; its own kind stands in
// the body.
asio::awaitable<service_reply> journal_service(till_parts& till, std::string instance_name,
                                               std::string plugin_id, boost::json::object body) {
  auto kind = text_of(body, "kind");
  if (!kind.starts_with(plugin_id + ".") || kind.size() > 128) {
    error why{errc::invalid_params, "kind: must begin with " + plugin_id + "."};
    co_return refusal(why);
  }
  boost::json::object note{
      {"plugin", plugin_id}, {"instance", instance_name}, {"kind", kind}, {"body", body.at("body")}};
  journal_entry entry{"plugin.note", boost::json::serialize(note), std::nullopt};
  auto made = std::make_shared<base::record_header>();
  store::work work = [entry, made](rows& in) -> result<> {
    auto appended = in.append(entry);
    if (!appended) return appended.error();
    *made = *appended;
    return {};
  };
  auto done = co_await till.journal.run(work_kind::books, std::move(work));
  if (!done) co_return refusal(done.error());
  service_reply reply;
  reply.body = {{"seq", made->sequence}, {"id", made->id.text()}};
  co_return reply;
}

asio::awaitable<service_reply> central_service(till_parts& till, boost::json::object body,
                                               std::uint32_t deadline_ms) {
  forwarder* ledger = nullptr;
  for (std::size_t i = 0; i < till.destinations.size(); ++i)
    if (till.settings.destinations[i].expected_role == wire::sync::role::ledger)
      ledger = till.destinations[i].get();
  if (!ledger) {
    error why{errc::central_unreachable, "this till has no ledger destination"};
    co_return refusal(why);
  }
  std::chrono::milliseconds timeout(deadline_ms ? deadline_ms : 10'000);
  if (auto* given = body.if_contains("timeout_ms"); given && given->is_int64())
    timeout = std::chrono::milliseconds(given->get_int64());
  auto params = boost::json::serialize(body.at("params"));
  auto answered = co_await ledger->call(text_of(body, "method"), std::move(params), timeout);
  if (!answered) co_return refusal(answered.error());
  boost::system::error_code failed;
  service_reply reply;
  reply.body["result"] = base::parse_json(*answered, failed);
  if (failed) {
    error why{errc::internal, "central's answer is not JSON"};
    co_return refusal(why);
  }
  co_return reply;
}

// Of each instance the names that it asked for in vain. Who writes a plugin needs one line for each; one that
// asks on and on must not fill the log.
using refused_names = std::map<std::string, std::set<std::string>>;
constexpr std::size_t refused_names_max = 32;

void complain_once(refused_names& told, const instance& from, const std::string& name) {
  auto& mine = told[from.instance_name()];
  if (mine.size() >= refused_names_max || !mine.insert(name).second) return;
  base::log(base::log_level::warning,
            "A plugin asks for what it does not name in uses; the same again is not logged",
            {{"plugin", from.instance_name()}, {"id", from.plugin_id()}, {"message", name}});
}

asio::awaitable<void> serve(till_parts& till, std::shared_ptr<instance> from, wire::plugin_message request,
                            std::shared_ptr<refused_names> told) {
  service_reply reply;
  auto* word = catalogue::find_word(request.name);
  boost::system::error_code failed;
  auto value = base::parse_json(request.body.empty() ? "{}" : request.body, failed);
  if (!word || !word->service || !from->uses(word->interface)) {
    complain_once(*told, *from, request.name);
    error why{errc::forbidden, request.name + " is not offered, or the plugin does not name it in `uses`"};
    reply = refusal(why);
  } else if (failed || !value.is_object()) {
    from->violates_schema("request", request.name, "body: is not a JSON object");
    error why{errc::invalid_params, "body: is not a JSON object"};
    reply = refusal(why);
  } else if (auto complaint = word->check_request(value.get_object())) {
    from->violates_schema("request", request.name, *complaint);
    error why{errc::invalid_params, *complaint};
    reply = refusal(why);
  } else {
    auto last = std::string(word->full_name.substr(word->interface.size() + 1));
    auto body = std::move(value.get_object());
    if (word->interface == "tilld.state/1")
      reply = co_await state_service(till, from->instance_name(), last, std::move(body));
    else if (word->interface == "tilld.journal/1")
      reply = co_await journal_service(till, from->instance_name(), from->plugin_id(), std::move(body));
    else
      reply = co_await central_service(till, std::move(body), request.deadline_ms);
  }
  from->reply(request, reply.status, boost::json::serialize(reply.body));
}

}  // namespace

void answer_plugins(till_parts& till) {
  auto running = std::make_shared<std::map<std::string, std::size_t>>();
  auto told = std::make_shared<refused_names>();
  till.plugins.on_request = [&till, running, told](instance& from, wire::plugin_message request) {
    auto& mine = (*running)[from.instance_name()];
    if (mine >= services_running_max) {
      from.reply(request, TILLD_E_BUSY, R"({"detail":"too many requests at once"})");
      return;
    }
    ++mine;
    auto finished = [running, name = from.instance_name()](std::exception_ptr) { --(*running)[name]; };
    asio::co_spawn(till.executor, serve(till, from.shared_from_this(), std::move(request), told),
                   std::move(finished));
  };
  // A plugin that dies is a fact that somebody may ask for months later.
  till.plugins.on_changed = [&till](instance& which, plugin_state before) {
    auto now = which.state();
    // Another life of the plugin knows nothing of what this one said.
    if (now != plugin_state::ready) till.states.forget(which.instance_name());
    if (now == plugin_state::ready || now == plugin_state::starting || now == plugin_state::stopped) return;
    journal_note(till, "plugin.ended",
                 {{"plugin", which.instance_name()},
                  {"id", which.plugin_id()},
                  {"state", name(now)},
                  {"before", name(before)},
                  {"reason", which.reason()}});
  };
}

}  // namespace tilld::daemon
