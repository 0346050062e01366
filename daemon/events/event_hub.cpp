#include "daemon/events/event_hub.hpp"

#include <algorithm>

namespace tilld::daemon {

std::uint64_t event_hub::subscribe(std::vector<std::string> topics, listener l) {
  auto id = next_id_++;
  entries_.emplace(id, entry{std::move(topics), std::move(l)});
  return id;
}

bool event_hub::unsubscribe(std::uint64_t id) { return entries_.erase(id) > 0; }

bool event_hub::covers(std::string_view subscribed, std::string_view topic) {
  if (subscribed == "*" || subscribed == topic) return true;
  return topic.size() > subscribed.size() && topic.starts_with(subscribed) && topic[subscribed.size()] == '.';
}

void event_hub::publish(std::string topic, std::string source, std::string data) {
  event e{++number_, std::move(topic), std::move(source), std::move(data)};
  // A listener may end its own or another's subscription while it is told.
  std::vector<std::uint64_t> ids;
  for (auto& [id, one] : entries_)
    if (std::any_of(one.topics.begin(), one.topics.end(), [&](auto& t) { return covers(t, e.topic); }))
      ids.push_back(id);
  for (auto id : ids)
    if (auto found = entries_.find(id); found != entries_.end()) {
      auto tell = found->second.tell;
      tell(e);
    }
}

}  // namespace tilld::daemon
