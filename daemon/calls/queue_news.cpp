#include "daemon/calls/queue_news.hpp"

#include <boost/json.hpp>

#include "base/log.hpp"

namespace tilld::daemon {

std::optional<std::string> lag_of(const till_parts& till, std::size_t which) {
  auto backlogs = till.journal.backlogs();
  if (which >= backlogs.size()) return std::nullopt;
  auto& b = backlogs[which];
  if (b.records == 0) return std::nullopt;
  std::int64_t minutes = b.oldest_ms ? (till.clock.unix_ms() - *b.oldest_ms) / 60'000 : 0;
  bool late = minutes > static_cast<std::int64_t>(till.settings.lag_minutes_max);
  if (b.records <= till.settings.lag_records_max && !late) return std::nullopt;
  return b.destination + ": " + std::to_string(b.records) + " records wait, the oldest for " +
         std::to_string(minutes) + " minutes";
}

queue_news::queue_news(till_parts& till) : till_(till), timer_(till.executor), minute_(till.executor) {
  look_again();
}

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

void queue_news::look_again() {
  minute_.expires_after(std::chrono::minutes(1));
  std::weak_ptr<bool> alive = alive_;
  minute_.async_wait([this, alive](boost::system::error_code cancelled) {
    if (cancelled || alive.expired()) return;
    look_at_lag();
    look_again();
  });
}

void queue_news::look_at_lag() {
  lagging_.resize(till_.destinations.size());
  for (std::size_t i = 0; i < lagging_.size(); ++i) {
    auto lag = lag_of(till_, i);
    if (lag.has_value() == lagging_[i]) continue;
    lagging_[i] = lag.has_value();
    base::log(
        lag ? base::log_level::error : base::log_level::info,
        lag ? "A destination lags behind" : "A destination has caught up",
        {{"destination", till_.settings.destinations[i].name}, {"lag", lag.value_or("within the limits")}});
    destination_changed(i);
  }
}

void queue_news::tell() {
  due_ = false;
  look_at_lag();
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
  if (lag_of(till_, which)) data["lagging"] = true;
  if (s.stopped_for_a_person) data["stopped"] = base::describe(s.stopped_for_a_person->code).kind;
  till_.events.publish("queue.destination_changed", "tilld", boost::json::serialize(data));
  changed();
}

}  // namespace tilld::daemon
