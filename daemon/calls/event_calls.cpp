// events.subscribe, events.unsubscribe
#include <boost/json.hpp>

#include "daemon/calls/params.hpp"
#include "daemon/calls/parts.hpp"
#include "daemon/calls/shapes.hpp"
#include "plugin-api/catalogue.hpp"

namespace tilld::daemon {

using wire::answer;
using wire::make_error;
using wire::make_result;

namespace {

constexpr std::size_t subscriptions_max = 16, topics_max = 32;

// A voucher that is scanned and a card that is shown are for the till that serves the customer, not for
// whoever watches.
bool may_see(role r, const std::string& topic) {
  if (r != role::read) return true;
  for (auto& known : catalogue::topics())
    if (known.name == topic) return known.body.secret.empty() && known.body.personal.empty();
  return topic == "plugins.changed";
}

answer subscribe(till_parts& till, const call& c) {
  auto refuse = [&](std::string_view member, std::string_view why) {
    return make_error(invalid_member(member, why), c.who->language);
  };
  if (!c.who->notify) return refuse("topics", "this connection cannot be notified");
  std::vector<std::string> topics;
  for (auto& topic : c.params.at("topics").get_array()) topics.emplace_back(topic.get_string());
  if (c.who->subscriptions.size() >= subscriptions_max)
    return refuse("topics", "a connection has at most 16 subscriptions");
  auto own = std::make_shared<std::uint64_t>(0);
  std::weak_ptr<caller> who = c.who;
  auto id = till.events.subscribe(std::move(topics), [who, own](const event& e) {
    if (auto still_there = who.lock();
        still_there && still_there->notify && may_see(still_there->acts_as, e.topic))
      still_there->notify(e, *own);
  });
  *own = id;
  c.who->subscriptions.insert(id);
  // The state first, the changes after it: whoever subscribes knows where things stand without a second call.
  return make_result({{"subscription", id},
                      {"number", till.events.last_number()},
                      {"state", {{"plugins", till.plugins.describe()}, {"queue", describe_backlogs(till)}}}});
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
       .params = object({needed(
           "topics", list(text(1, 64), 1, topics_max),
           R"(whole names such as "printer.status_changed", first words such as "scanner", or "*")")}),
       .result =
           object({needed("subscription", whole(1), "number of this subscription, as events.notify has it"),
                   needed("number", whole(0), "of the last event before it"),
                   needed("state",
                          object({needed("plugins", list(shape_of_plugin()), "as plugin.list answers"),
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
