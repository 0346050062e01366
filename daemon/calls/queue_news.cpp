#include "daemon/calls/queue_news.hpp"

#include <boost/json.hpp>

namespace tilld::daemon {

queue_news::queue_news(till_parts& till) : till_(till), timer_(till.executor) {}

queue_news::~queue_news() = default;

void queue_news::changed() {
  // Without a destination nothing ever waits.
  if (due_ || till_.destinations.empty()) return;
  due_ = true;
  timer_.expires_after(at_most_every);
  std::weak_ptr<bool> alive = alive_;
  timer_.async_wait([this, alive](boost::system::error_code cancelled) {
    if (!cancelled && !alive.expired()) tell();
  });
}

void queue_news::tell() {
  due_ = false;
  boost::json::object data{{"queue", describe_backlogs(till_)}};
  auto text = boost::json::serialize(data);
  if (text == told_) return;
  told_ = text;
  event e;
  e.topic = "queue.changed";
  e.source = "tilld";
  e.data = std::move(text);
  till_.events.publish(std::move(e), true);
}

void queue_news::destination_changed(std::size_t which) {
  if (which >= till_.destinations.size()) return;
  auto& d = till_.settings.destinations[which];
  auto& s = till_.destinations[which]->status();
  boost::json::object data{
      {"destination", d.name}, {"role", wire::sync::name(d.expected_role)}, {"connected", s.connected}};
  if (s.stopped_for_a_person) data["stopped"] = base::describe(s.stopped_for_a_person->code).kind;
  till_.events.publish("queue.destination_changed", "tilld", boost::json::serialize(data));
  changed();
}

}  // namespace tilld::daemon
