// plugin.list, plugin.restart, device.list, and every word of the interfaces that plugins provide:
// printer.print is the word print of tilld.printer/1, com.example.scale.weigh the word weigh of
// com.example.scale/1.
#include <tilld/plugin.h>

#include <algorithm>

#include <boost/json.hpp>

#include "base/strict_json.hpp"
#include "daemon/calls/params.hpp"
#include "daemon/calls/parts.hpp"
#include "daemon/calls/shapes.hpp"
#include "plugin-api/catalogue.hpp"
#include "wire/base64.hpp"

namespace tilld::daemon {

namespace asio = boost::asio;
using base::errc;
using base::error;
using base::result;
using wire::answer;
using wire::make_error;
using wire::make_result;

namespace {

constexpr std::int64_t deadline_ms_max = 10 * 60 * 1000;
constexpr std::uint32_t deadline_ms_of_others = 10'000;

// What only asks, and is answered to everybody while another holds the device. All else acts on it, the words
// of interfaces that nobody here knows included.
constexpr std::string_view questions[] = {"printer.status", "printer.render", "printer.outcome",
                                          "tender.outcome", "customer.identify"};
// It plays the world around a device, and the world asks no claim.
constexpr std::string_view simulation = "org.tilld.simulation/1";

// What a self-checkout may not do without a cashier.
constexpr std::string_view cashier_only[] = {"printer.open_drawer", "tender.reverse"};

constexpr std::initializer_list<errc> errors_of_words = {
    errc::no_device, errc::device_gone, errc::device_busy, errc::device_timeout, errc::device_fault,
    errc::claimed,   errc::claim_ended, errc::cancelled,   errc::plugin_crashed, errc::plugin_failed};
constexpr std::initializer_list<errc> errors_of_keyed_words = {
    errc::no_device, errc::device_gone,     errc::device_busy,   errc::device_timeout, errc::device_fault,
    errc::paper_out, errc::cover_open,      errc::code_too_wide, errc::claimed,        errc::claim_ended,
    errc::cancelled, errc::outcome_unknown, errc::still_running, errc::plugin_crashed, errc::plugin_failed};

// What is called at a plugin, ready to be sent.
struct device_call {
  const catalogue::word* word = nullptr;  // nullptr for an interface of somebody else
  std::string interface;
  std::string full_name;
  std::string device;  // as the caller named it; empty means whichever provides the interface
  boost::json::object body;
  std::string blob;
  std::uint32_t deadline_ms = deadline_ms_of_others;
  std::optional<std::uint32_t> wait_ms = {};
  std::string claim = {};  // by which the caller acts, when it does not by its connection
  std::shared_ptr<base::cancellation> cancel = nullptr;
  std::shared_ptr<loan> lent = nullptr;
};

// What every call of a device takes beside the members of the word.
const base::schema& envelope() {
  using namespace base::shape;
  static const auto& it = *new base::schema(object(
      {optional("device", text(0, 32), "name of the plugin instance, where several provide the interface"),
       optional("deadline_ms", whole(1, deadline_ms_max), "how long the device has for it"),
       optional("claim", text(0, 36), "acts for a claim that another connection of this principal made"),
       optional("wait_ms", whole(0, wait_ms_max),
                "with a key: how long to wait for the end; after that the answer is its operation_id and the "
                "state running")}));
  return it;
}

constexpr std::string_view members_of_the_envelope[] = {"device", "deadline_ms", "wait_ms",
                                                        "claim",  "blob",        "idempotency_key"};

// Members of the envelope do not reach the plugin.
result<device_call> prepare(const call& c, const catalogue::word* word, std::string interface,
                            std::string full_name) {
  device_call d;
  d.word = word;
  d.interface = std::move(interface);
  d.full_name = std::move(full_name);
  auto& params = c.params;
  if (auto fits = base::check_params(envelope(), params); !fits) return fits.error();
  d.device = text_in(params, "device").value_or("");
  d.deadline_ms = static_cast<std::uint32_t>(
      integer_in(params, "deadline_ms").value_or(word ? word->deadline_ms_default : deadline_ms_of_others));
  if (auto wait = integer_in(params, "wait_ms")) d.wait_ms = static_cast<std::uint32_t>(*wait);
  d.claim = text_in(params, "claim").value_or("");
  d.cancel = c.cancel;
  d.lent = c.lent;
  if (auto* blob = params.if_contains("blob")) {
    auto octets = blob->is_string() ? wire::from_base64(blob->get_string()) : std::nullopt;
    if (!octets) return invalid_member("blob", "must be base64");
    d.blob = std::move(*octets);
  }
  for (auto& [name, value] : params)
    if (std::find(std::begin(members_of_the_envelope), std::end(members_of_the_envelope),
                  std::string_view(name)) == std::end(members_of_the_envelope))
      d.body.emplace(name, value);
  if (word) {
    auto checked = d.body;
    if (word->changes_state) checked["operation_id"] = base::uuid().text();
    if (d.body.contains("operation_id") && word->changes_state)
      return invalid_member("operation_id", "is given by the daemon; send idempotency_key");
    if (auto complaint = word->check_request(checked)) return error{errc::invalid_params, *complaint};
  }
  return d;
}

asio::awaitable<plugin_reply> send(till_parts& till, device_call d, std::string device) {
  auto provider = till.plugins.find(d.interface, device);
  if (!provider) {
    plugin_reply none;
    none.why = {
        errc::no_device,
        device.empty() ? "no plugin provides " + d.interface : "no plugin " + device + " provides " + d.interface};
    co_return none;
  }
  plugin_request request;
  request.name = std::move(d.full_name);
  request.body = boost::json::serialize(d.body);
  request.blob = std::move(d.blob);
  request.deadline_ms = d.deadline_ms;
  request.cancel = d.cancel;
  // It may wait for its turn for a while: as what the plugin gets, and as nothing else.
  d.body = {};
  if (d.lent) d.lent->shrink_to(request.body.size() + request.blob.size());
  request.lent = std::move(d.lent);
  co_return co_await provider->ask(std::move(request));
}

// The body of a good reply as an answer; an error when it is not what the interface promises, which is noted
// at the plugin.
result<answer> read_reply(const till_parts& till, const std::string& device, std::string_view full_name,
                          const plugin_reply& reply, const catalogue::word* word) {
  auto refuse = [&](const std::string& complaint, const char* why) {
    if (auto plugin = till.plugins.find(device)) plugin->violates_schema("reply", full_name, complaint);
    return error{errc::device_fault, why};
  };
  boost::system::error_code failed;
  auto value = base::parse_json(reply.body.empty() ? "{}" : reply.body, failed);
  if (failed || !value.is_object())
    return refuse("body: is not a JSON object", "the plugin's answer is not a JSON object");
  if (word)
    if (auto complaint = word->check_reply(value.get_object()))
      return refuse(*complaint, "the plugin's answer does not fit its schema");
  if (!reply.blob.empty()) value.get_object()["blob"] = wire::to_base64(reply.blob);
  return make_result(value.get_object());
}

// Kinds and statuses that promise that the device did nothing.
bool promises_nothing_happened(const plugin_reply& reply) {
  switch (reply.why.code) {
    case errc::paper_out:
    case errc::cover_open:
    case errc::code_too_wide:
    case errc::device_busy:
    case errc::cancelled:
    case errc::invalid_params:
    case errc::unknown_method: return true;
    default: return false;
  }
}

asio::awaitable<device_outcome> look_up(till_parts& till, const catalogue::word* word, base::uuid operation,
                                        std::string device) {
  device_outcome outcome;
  outcome.why = {errc::outcome_unknown, "the device cannot tell what became of it"};
  if (!word || word->outcome.empty()) co_return outcome;
  auto* asks = catalogue::find_word(word->outcome);
  device_call d;
  d.word = asks;
  d.interface = std::string(word->interface);
  d.full_name = std::string(word->outcome);
  d.body["operation_id"] = operation.text();
  d.deadline_ms = asks ? asks->deadline_ms_default : deadline_ms_of_others;
  auto reply = co_await send(till, std::move(d), device);
  if (reply.what != plugin_reply::phase::answered || reply.status != TILLD_OK) {
    outcome.why.detail = "the device was asked what became of it and did not say: " + reply.why.detail;
    co_return outcome;
  }
  boost::system::error_code failed;
  auto value = base::parse_json(reply.body, failed);
  auto* object = failed ? nullptr : value.if_object();
  // What can be made out counts all the same: a device that knows is better than nobody who knows.
  if (auto plugin = till.plugins.find(device); plugin && asks) {
    auto complaint =
        object ? asks->check_reply(*object) : std::optional<std::string>("body: is not a JSON object");
    if (complaint) plugin->violates_schema("reply", word->outcome, *complaint);
  }
  auto* state = object ? object->if_contains("state") : nullptr;
  auto said = state && state->is_string() ? std::string(state->get_string()) : std::string();
  if (said == "done") {
    outcome.what = device_outcome::state::done;
    auto* what = object->if_contains("result");
    outcome.result = make_result(what && what->is_object() ? what->get_object() : boost::json::object());
  } else if (said == "not_done") {
    outcome.what = device_outcome::state::not_done;
    outcome.why = {errc::device_fault, "the device did not do it"};
  } else if (said == "running") {
    outcome.what = device_outcome::state::running;
    outcome.why = {errc::still_running, "the device is still at it"};
  }
  co_return outcome;
}

// Null for what only asks: nobody can take that away.
using act_in_hand = std::shared_ptr<acts_in_hand::act>;

asio::awaitable<device_outcome> act(till_parts& till, device_call d, std::string device, base::uuid operation,
                                    act_in_hand mine) {
  auto* word = d.word;
  auto full_name = d.full_name;
  d.body["operation_id"] = operation.text();
  auto cancel = d.cancel;
  auto reply = co_await send(till, std::move(d), device);
  device_outcome outcome;
  if (reply.what == plugin_reply::phase::answered && reply.status == TILLD_OK) {
    auto read = read_reply(till, device, full_name, reply, word);
    if (read) {
      outcome.what = device_outcome::state::done;
      outcome.result = std::move(*read);
      co_return outcome;
    }
    reply.why = read.error();
  }
  outcome.why = reply.why;
  // Whoever was cancelled for another's sake learns for whose.
  auto name_the_holder = [&] {
    if (mine && mine->ended() && outcome.why.code == errc::cancelled) outcome.why = *mine->ended();
  };
  if (reply.what == plugin_reply::phase::not_given ||
      (reply.what == plugin_reply::phase::answered && promises_nothing_happened(reply))) {
    outcome.what = device_outcome::state::not_done;
    name_the_holder();
    co_return outcome;
  }
  // It may have acted. The device itself is asked first; only what it cannot tell stays unknown.
  auto said = co_await look_up(till, word, operation, device);
  if (said.what == device_outcome::state::done) co_return said;
  if (said.what == device_outcome::state::not_done) {
    outcome.what = device_outcome::state::not_done;
    if (cancel && cancel->wanted()) outcome.why = {errc::cancelled, "cancelled; the device did not do it"};
    name_the_holder();
    co_return outcome;
  }
  outcome.what = device_outcome::state::unknown;
  co_return outcome;
}

// Whether a plugin may yet turn out to provide it: right after the start nobody has said hello.
bool somebody_is_still_to_come(const till_parts& till, std::string_view device) {
  auto& all = till.plugins.all();
  return std::any_of(all.begin(), all.end(), [&](auto& plugin) {
    bool may_come = plugin->state() == plugin_state::starting || plugin->state() == plugin_state::waiting;
    return may_come && plugin->provided().empty() && (device.empty() || plugin->instance_name() == device);
  });
}

error why_absent(const till_parts& till, const device_call& d) {
  if (somebody_is_still_to_come(till, d.device))
    return {errc::device_gone, (d.device.empty() ? "a plugin" : d.device) + " is still starting"};
  return {errc::no_device,
          "no plugin " + (d.device.empty() ? std::string() : d.device + " ") + "provides " + d.interface};
}

bool acts(const device_call& d) {
  if (d.interface == simulation) return false;
  return !d.word ||
         std::find(std::begin(questions), std::end(questions), d.word->method) == std::end(questions);
}

// Which instance is meant: the one that is named; else the one that the caller holds; else the first.
std::shared_ptr<instance> provider_of(const till_parts& till, const call& c, const device_call& d) {
  if (d.device.empty())
    for (auto& plugin : till.plugins.all()) {
      auto held = till.claims.book().find(plugin->instance_name());
      if (held && plugin->provides(d.interface) &&
          till.claims.book().is_holder(*held, c.who->connection, c.who->principal, d.claim))
        return plugin;
    }
  return till.plugins.find(d.interface, d.device);
}

// Nothing where the caller may act on the device.
std::optional<error> why_not_act(const till_parts& till, const call& c, const device_call& d,
                                 const std::string& device) {
  if (!acts(d)) return std::nullopt;
  auto held = till.claims.book().find(device);
  if (!held) {
    if (d.claim.empty()) return std::nullopt;
    return error{errc::claim_ended, "the claim that is named is not held any more"};
  }
  if (till.claims.book().is_holder(*held, c.who->connection, c.who->principal, d.claim)) return std::nullopt;
  return claim_book::held_by(*held);
}

// What changes nothing: the answer is the plugin's, and nothing of it is kept here.
asio::awaitable<answer> ask_device(till_parts& till, device_call d, std::string device, act_in_hand mine,
                                   base::language language) {
  auto* word = d.word;
  auto name = d.full_name;
  auto reply = co_await send(till, std::move(d), device);
  // What a device says after it went to another till is that till's: a card above all.
  if (mine && mine->ended()) co_return make_error(*mine->ended(), language);
  if (reply.what != plugin_reply::phase::answered || reply.status != TILLD_OK)
    co_return make_error(reply.why, language);
  auto read = read_reply(till, device, name, reply, word);
  if (!read) co_return make_error(read.error(), language);
  if (word && word->method == "printer.status")
    till.states.said("printer.status_changed", device, reply.body, till.clock.unix_ms());
  co_return *read;
}

// A key says that it must not happen twice, or that its caller does not want to wait for it.
asio::awaitable<answer> call_with_key(till_parts& till, call c, device_call d, std::string device,
                                      std::optional<error> refused) {
  auto* word = d.word;
  auto language = c.who->language;
  act_in_hand mine;
  if (acts(d) && !refused)
    mine = till.claims.begin_act(device, {c.who->principal, c.who->connection, d.claim}, nullptr);
  keyed_calls::request request;
  // How long the caller waits is no part of what it asks for: a repetition may be more patient.
  for (auto member : {"deadline_ms", "wait_ms", "claim"}) c.params.erase(member);
  request.wait_ms = d.wait_ms;
  request.what = std::move(c);
  request.what.lent = nullptr;
  // Moved out by the one who runs it: a large document lies in memory once.
  auto held = std::make_shared<device_call>(std::move(d));
  if (word && !word->changes_state) {
    // The content is compared with its secrets: another code asks for another customer, and nothing is stored
    // from which one could be guessed.
    keyed_calls::question question;
    question.device = device;
    question.absent = std::move(refused);
    question.run = [&till, held, device, mine, language](std::shared_ptr<base::cancellation> cancel) {
      auto own = std::move(*held);
      own.cancel = cancel;
      if (mine) mine->heard_by(std::move(cancel));
      return ask_device(till, std::move(own), device, mine, language);
    };
    co_return co_await till.keyed.ask(std::move(request), std::move(question));
  }
  if (word) {
    request.secret_members = word->request.secret;
    request.seal_answer = !word->reply.bearer.empty() || !word->reply.personal.empty();
  }
  keyed_calls::device_action action;
  action.device = device;
  action.absent = std::move(refused);
  action.act = [&till, held, device, mine](base::uuid operation, std::shared_ptr<base::cancellation> cancel) {
    auto own = std::move(*held);
    own.cancel = cancel;
    if (mine) mine->heard_by(std::move(cancel));
    return act(till, std::move(own), device, operation, mine);
  };
  if (word && !word->outcome.empty())
    action.look_up = [&till, word](base::uuid operation, std::string at) {
      return look_up(till, word, operation, std::move(at));
    };
  co_return co_await till.keyed.act(std::move(request), std::move(action));
}

asio::awaitable<answer> call_device(till_parts& till, const catalogue::word* word, std::string interface,
                                    std::string full_name, call c) {
  auto language = c.who->language;
  auto prepared = prepare(c, word, std::move(interface), std::move(full_name));
  if (!prepared) co_return make_error(prepared.error(), language);
  auto provider = provider_of(till, c, *prepared);
  bool has_key = (word && word->changes_state) || c.params.contains("idempotency_key");
  if (prepared->wait_ms && !has_key)
    co_return make_error(invalid_member("wait_ms", "is for calls with an idempotency_key"), language);
  auto device = provider ? provider->instance_name() : prepared->device;
  auto refused = provider ? why_not_act(till, c, *prepared, device) : why_absent(till, *prepared);
  if (has_key)
    co_return co_await call_with_key(till, std::move(c), std::move(*prepared), std::move(device),
                                     std::move(refused));
  if (refused) co_return make_error(*refused, language);
  act_in_hand mine;
  if (acts(*prepared))
    mine = till.claims.begin_act(device, {c.who->principal, c.who->connection, prepared->claim}, c.cancel);
  c.drop_params();
  co_return co_await ask_device(till, std::move(*prepared), std::move(device), std::move(mine), language);
}

role_set allowed_for(const catalogue::word& word) {
  bool needs_cashier =
      std::find(std::begin(cashier_only), std::end(cashier_only), word.method) != std::end(cashier_only);
  return needs_cashier ? cashiers : checkouts;
}

// Which way goes a name that the daemon itself does not know.
std::optional<route> find_device_method(till_parts& till, const std::string& name) {
  auto make = [&](const catalogue::word* word, std::string interface, std::string full_name,
                  role_set allowed) {
    route way;
    way.allowed = allowed;
    way.slow = [&till, word, interface, full_name](call c) {
      return call_device(till, word, interface, full_name, std::move(c));
    };
    return way;
  };
  if (auto* word = catalogue::find_method(name)) {
    if (word->service) return std::nullopt;
    return make(word, std::string(word->interface), std::string(word->full_name), allowed_for(*word));
  }
  auto dot = name.rfind('.');
  if (dot == std::string::npos) return std::nullopt;
  for (auto& plugin : till.plugins.all())
    for (auto& interface : plugin->provided()) {
      if (interface.starts_with("tilld.")) continue;
      auto full_name = interface + name.substr(dot);
      if (catalogue::till_name(full_name) == name) return make(nullptr, interface, full_name, cashiers);
    }
  // The names of somebody else's interfaces have three parts at least; a plugin that is still starting may
  // have it.
  auto first = name.substr(0, dot) + "/1";
  if (name.find('.') != dot && somebody_is_still_to_come(till, ""))
    return make(nullptr, first, first + name.substr(dot), cashiers);
  return std::nullopt;
}

// A word as tills call it: with the members of the envelope, and without the operation_id that the daemon
// makes.
method describe_word(const catalogue::word& word, const boost::json::object& in_schema) {
  auto params = in_schema.at("request").as_object();
  auto& properties = params["properties"].as_object();
  if (word.changes_state) {
    properties.erase("operation_id");
    if (auto* required = params.if_contains("required")) {
      auto& list = required->as_array();
      list.erase(std::remove(list.begin(), list.end(), boost::json::value("operation_id")), list.end());
      if (list.empty()) params.erase("required");
    }
  }
  auto put = [&properties](const char* name, const base::schema& what, std::string_view says) {
    properties[name] = what.saying(says).text();
  };
  for (auto& [name, what] : envelope().text().at("properties").as_object()) properties[name] = what;
  put("deadline_ms", base::shape::whole(1, deadline_ms_max),
      "how long the device has for it; " + std::to_string(word.deadline_ms_default) + " when left out");
  if (params.contains("x-blob")) put("blob", base::shape::text(), "octets in base64");
  auto result = in_schema.at("reply").as_object();
  if (result.contains("x-blob"))
    result["properties"].as_object()["blob"] = base::shape::text().saying("octets in base64").text();
  return {.name = std::string(word.method),
          .summary = std::string(word.summary),
          .allowed = allowed_for(word),
          .key = word.changes_state ? keyed::always : keyed::may_be,
          .params = base::schema(std::move(params)),
          .result = base::schema(std::move(result)),
          .errors = word.changes_state ? std::vector<errc>{errors_of_keyed_words}
                                       : std::vector<errc>{errors_of_words}};
}

}  // namespace

boost::json::array describe_devices(const till_parts& till) {
  boost::json::array list;
  for (auto& plugin : till.plugins.all()) {
    boost::json::array interfaces;
    for (auto& one : plugin->provided()) interfaces.emplace_back(one);
    auto& device = plugin->instance_name();
    boost::json::object one{{"device", device},
                            {"interfaces", std::move(interfaces)},
                            {"state", name(plugin->state())},
                            {"claim", till.claims.describe(device)}};
    if (plugin->provides("tilld.printer/1")) one["printer"] = till.states.printer(device);
    if (plugin->provides("tilld.reader/1")) one["reader"] = till.states.reader(device);
    list.push_back(std::move(one));
  }
  return list;
}

namespace {

answer restart_plugin(till_parts& till, const call& c) {
  auto name_text = text_in(c.params, "name");
  auto plugin = till.plugins.find(*name_text);
  if (!plugin) return make_error({errc::no_device, "there is no plugin " + *name_text}, c.who->language);
  plugin->restart();
  journal_note(till, "plugin.restarted", {{"plugin", *name_text}, {"principal", c.who->principal}});
  return make_result({});
}

}  // namespace

std::vector<method> methods_of_words(const std::function<bool(std::string_view interface)>& wanted) {
  std::vector<method> all;
  for (auto& interface : catalogue::interfaces()) {
    if (interface.service || !wanted(interface.name)) continue;
    auto schema = catalogue::schema(interface.name);
    auto& requests = schema->at("definitions").at("requests").as_object();
    for (auto& word : catalogue::words())
      if (word.interface == interface.name)
        all.push_back(describe_word(
            word, requests.at(word.full_name.substr(word.full_name.rfind('.') + 1)).as_object()));
  }
  return all;
}

void add_plugin_calls(router& methods, till_parts* till) {
  using namespace base::shape;
  methods.add({.name = "plugin.list",
               .summary = "The plugins, how they are, and why they ended last",
               .allowed = watchers,
               .params = object({}),
               .result = object({needed("plugins", list(shape_of_plugin()), "in the order of tilld.yaml")})},
              [till](const call&) {
                return make_result({{"plugins", till->plugins.describe()}});
              });
  methods.add({.name = "plugin.restart",
               .summary = "Starts a plugin again, also one that was given up",
               .allowed = staff,
               .params = closed(object({needed("name", text(1, 32), "of the instance")})),
               .result = object({}),
               .errors = {errc::no_device}},
              [till](const call& c) { return restart_plugin(*till, c); });
  methods.add({.name = "device.list",
               .summary = "The devices, what they provide and whether they are ready",
               .allowed = anyone,
               .params = object({}),
               .result = object({needed("devices", list(shape_of_device()), "in the order of tilld.yaml")})},
              [till](const call&) {
                return make_result({{"devices", describe_devices(*till)}});
              });
  methods.add_rest([till](const std::string& name) { return find_device_method(*till, name); },
                   [till] {
                     return methods_of_words([till](std::string_view interface) {
                       auto& all = till->plugins.all();
                       return std::any_of(all.begin(), all.end(),
                                          [&](auto& plugin) { return plugin->provides(interface); });
                     });
                   });
}

}  // namespace tilld::daemon
