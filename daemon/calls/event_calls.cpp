// events.subscribe, events.unsubscribe
#include <boost/asio/post.hpp>
#include <boost/json.hpp>

#include "daemon/calls/params.hpp"
#include "daemon/calls/parts.hpp"
#include "daemon/calls/shapes.hpp"
#include "plugin-api/catalogue.hpp"

namespace tilld::daemon {

using base::result;
using wire::answer;
using wire::make_error;
using wire::make_result;

namespace {

constexpr std::size_t subscriptions_max = 16, topics_max = 32;

// A voucher that is scanned and a card that is shown are for the till that serves the customer, not for
// whoever watches.
bool may_watch(const std::string& topic) {
  for (auto& known : catalogue::topics())
    if (known.name == topic) return known.body.secret.empty() && known.body.personal.empty();
  return topic == "plugins.changed" || topic == "claims.changed" || event_hub::covers("queue", topic);
}

// What is for the holder of a claim goes to its connection: the one that it had when it happened, or the one
// that took the claim up again meanwhile.
bool may_see(const till_parts& till, const caller& who, const event& e) {
  if (!e.claim.empty()) {
    if (e.connection == who.connection) return true;
    auto view = till.claims.book().find_claim(e.claim);
    return view && view->holder.connection == who.connection;
  }
  if (!e.principal.empty() && e.principal != who.principal && !(only(who.acts_as) & staff)) return false;
  return who.acts_as != role::read || may_watch(e.topic);
}

std::string params_of(const event& e, std::uint64_t subscription, bool missed) {
  auto quoted = [](const std::string& s) { return boost::json::serialize(boost::json::string(s)); };
  return R"({"subscription":)" + std::to_string(subscription) + R"(,"number":)" + std::to_string(e.number) +
         R"(,"at_ms":)" + std::to_string(e.at_ms) + (missed ? R"(,"missed":true)" : "") + R"(,"topic":)" +
         quoted(e.topic) + R"(,"source":)" + quoted(e.source) + R"(,"data":)" + e.data + "}";
}

event_subscriber subscriber(till_parts& till, const std::shared_ptr<caller>& caller_now,
                            std::shared_ptr<std::uint64_t> own) {
  std::weak_ptr<caller> who = caller_now;
  auto say = [who](std::string_view method, const std::string& params) {
    auto still_there = who.lock();
    return !still_there || !still_there->notify || still_there->notify(method, params);
  };
  event_subscriber s;
  s.sees = [&till, who](const event& e) {
    auto still_there = who.lock();
    return still_there && may_see(till, *still_there, e);
  };
  s.tell = [say, own](const event& e, bool missed) {
    return say("events.notify", params_of(e, *own, missed));
  };
  s.tell_dropped = [say, own](const dropped_events& gap) {
    boost::json::object params{
        {"subscription", *own}, {"from", gap.from}, {"to", gap.to}, {"count", gap.count}};
    return say("events.dropped", boost::json::serialize(params));
  };
  return s;
}

// Where somebody stopped listening, who wants to go on from there.
struct stopped_at {
  std::string boot;
  std::uint64_t number = 0;
};

result<std::optional<stopped_at>> read_since(const till_parts& till, const boost::json::object& params) {
  auto* given = params.if_contains("since");
  if (!given || given->is_null()) return std::optional<stopped_at>();
  auto& where = given->get_object();
  stopped_at s{*text_in(where, "boot"), static_cast<std::uint64_t>(*integer_in(where, "number"))};
  if (s.boot == till.boot_id && s.number > till.events.last_number())
    return invalid_member("since.number", "is one that no event had yet");
  return std::optional(std::move(s));
}

answer subscribe(till_parts& till, const call& c) {
  auto& who = *c.who;
  auto refuse = [&](base::error why) { return make_error(why, who.language); };
  if (!who.notify) return refuse(invalid_member("topics", "this connection cannot be notified"));
  std::vector<std::string> topics;
  for (auto& topic : c.params.at("topics").get_array()) topics.emplace_back(topic.get_string());
  auto since = read_since(till, c.params);
  if (!since) return refuse(since.error());
  if (who.subscriptions.size() >= subscriptions_max)
    return refuse(invalid_member("topics", "a connection has at most 16 subscriptions"));

  auto last = till.events.last_number();
  boost::json::object reply{{"boot", till.boot_id}, {"number", last}};
  auto from = last;
  if (*since) {
    // What happened in another run of the daemon is gone; what happened in this one was missed as well.
    bool restarted = (*since)->boot != till.boot_id;
    from = restarted ? 0 : (*since)->number;
    if (restarted) reply["restarted"] = true;
    if (till.events.lost_up_to() > from)
      reply["missed"] = {{"from", from + 1}, {"to", till.events.lost_up_to()}};
  }
  auto own = std::make_shared<std::uint64_t>(0);
  *own = till.events.subscribe(std::move(topics), subscriber(till, c.who, own), from);
  who.subscriptions.insert(*own);
  reply["subscription"] = *own;
  // The state first, the changes after it: whoever subscribes knows where things stand without a second call.
  reply["state"] = {{"plugins", till.plugins.describe()},
                    {"devices", describe_devices(till)},
                    {"queue", describe_backlogs(till)}};
  // What was missed comes behind this answer.
  if (from < last) boost::asio::post(till.executor, [&till, id = *own] { till.events.resume(id); });
  return make_result(reply);
}

answer unsubscribe(till_parts& till, const call& c) {
  auto id = static_cast<std::uint64_t>(integer_in(c.params, "subscription").value_or(0));
  if (c.who->subscriptions.erase(id) == 0)
    return make_error(invalid_member("subscription", "is not one of this connection"), c.who->language);
  till.events.unsubscribe(id);
  return make_result({});
}

}  // namespace

void add_event_calls(router& methods, till_parts* till) {
  using namespace base::shape;
  methods.add(
      {.name = "events.subscribe",
       .summary = "The state now, and every change after it as events.notify",
       .allowed = anyone,
       .params = object(
           {needed("topics", list(text(1, 64), 1, topics_max),
                   R"(whole names such as "printer.status_changed", first words such as "scanner", or "*")"),
            optional("since",
                     object({needed("boot", text(1, 64), "as this method said it"),
                             needed("number", whole(0, number_max), "of the last event that was seen")}),
                     "where to go on: what came after it follows the answer, marked missed")}),
       .result = object(
           {needed("subscription", whole(1), "number of this subscription, as events.notify has it"),
            needed("boot", text(), "of this run of the daemon, for since"),
            needed("number", whole(0), "of the last event before it"),
            optional("restarted", boolean(),
                     "since was of an earlier run: what happened there is not known any more"),
            optional("missed",
                     object({needed("from", whole(1), "the first number after since"),
                             needed("to", whole(1), "up to which some are not kept any more")}),
                     "not all of these events can be told"),
            needed("state",
                   object({needed("plugins", list(shape_of_plugin()), "as plugin.list answers"),
                           needed("devices", list(shape_of_device()), "as device.list answers, with claims"),
                           needed("queue", list(shape_of_backlog()), "what waits")}),
                   "how things stand")})},
      [till](const call& c) { return subscribe(*till, c); });
  methods.add({.name = "events.unsubscribe",
               .summary = "Ends a subscription of this connection",
               .allowed = anyone,
               .params = object({needed("subscription", whole(1), "its number")}),
               .result = object({})},
              [till](const call& c) { return unsubscribe(*till, c); });
}

}  // namespace tilld::daemon
