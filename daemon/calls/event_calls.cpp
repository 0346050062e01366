// events.subscribe, events.unsubscribe
#include <boost/json.hpp>

#include "daemon/calls/params.hpp"
#include "daemon/calls/parts.hpp"
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
  auto* given = c.params.if_contains("topics");
  if (!given || !given->is_array() || given->get_array().empty() || given->get_array().size() > topics_max)
    return refuse("topics",
                  R"(must be a list of 1 to 32 topics such as "scanner" or "printer.status_changed")");
  std::vector<std::string> topics;
  for (auto& topic : given->get_array()) {
    if (!topic.is_string() || topic.get_string().empty() || topic.get_string().size() > 64)
      return refuse("topics", "each topic must be a text of 1 to 64 characters");
    topics.emplace_back(topic.get_string());
  }
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
  auto id = optional_integer(c.params, "subscription", 1, std::numeric_limits<std::int64_t>::max());
  if (!id) return make_error(id.error(), c.who->language);
  if (!*id || c.who->subscriptions.erase(static_cast<std::uint64_t>(**id)) == 0)
    return make_error(invalid_member("subscription", "is not one of this connection"), c.who->language);
  till.events.unsubscribe(static_cast<std::uint64_t>(**id));
  return make_result({});
}

}  // namespace

void add_event_calls(till_parts& till) {
  till.methods.add(
      {"events.subscribe", anyone, false, [&till](const call& c) { return subscribe(till, c); }, {}});
  till.methods.add(
      {"events.unsubscribe", anyone, false, [&till](const call& c) { return unsubscribe(till, c); }, {}});
}

}  // namespace tilld::daemon
