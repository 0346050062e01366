#include "daemon/events/event_hub.hpp"

#include <algorithm>

namespace tilld::daemon {

namespace {

// What an event costs beside its text.
constexpr std::size_t octets_around = 256;

std::size_t octets_of(const event& e) {
  return octets_around + e.topic.size() + e.source.size() + e.data.size() + e.claim.size() +
         e.principal.size();
}

}  // namespace

std::uint64_t event_hub::subscribe(std::vector<std::string> topics, event_subscriber who,
                                   std::uint64_t since) {
  auto id = next_id_++;
  auto one = std::make_shared<entry>();
  one->topics = std::move(topics);
  one->who = std::move(who);
  one->next = since + 1;
  one->began = number_;
  entries_.emplace(id, std::move(one));
  return id;
}

bool event_hub::unsubscribe(std::uint64_t id) { return entries_.erase(id) > 0; }

bool event_hub::covers(std::string_view subscribed, std::string_view topic) {
  if (subscribed == "*" || subscribed == topic) return true;
  return topic.size() > subscribed.size() && topic.starts_with(subscribed) && topic[subscribed.size()] == '.';
}

bool event_hub::concerns(const entry& one, const event& e) {
  return std::any_of(one.topics.begin(), one.topics.end(), [&](auto& t) { return covers(t, e.topic); }) &&
         (!one.who.sees || one.who.sees(e));
}

void event_hub::resume(std::uint64_t id) {
  auto found = entries_.find(id);
  // A subscriber that is being told something may have caused this.
  if (found == entries_.end() || found->second->telling) return;
  auto one = found->second;
  one->telling = true;
  auto still_there = [&] { return entries_.contains(id); };
  while (still_there()) {
    if (one->dropped.count > 0) {
      auto gap = one->dropped;
      if (one->who.tell_dropped && !one->who.tell_dropped(gap)) break;
      one->dropped = {};
      continue;
    }
    auto at = kept_.lower_bound(one->next);
    if (at == kept_.end()) {
      one->next = number_ + 1;
      break;
    }
    // Kept here: what is told may make it go.
    auto e = at->second;
    if (concerns(*one, *e) && !one->who.tell(*e, e->number <= one->began)) break;
    one->next = std::max(one->next, e->number + 1);
  }
  one->telling = false;
}

void event_hub::publish(event e, bool last_only) {
  e.number = ++number_;
  e.at_ms = clock_.unix_ms();
  if (last_only) {
    auto& last = last_of_topic_[e.topic];
    if (auto old = kept_.find(last); old != kept_.end()) {
      octets_ -= octets_of(*old->second);
      kept_.erase(old);
    }
    last = number_;
  }
  octets_ += octets_of(e);
  kept_.emplace(e.number, std::make_shared<const event>(std::move(e)));

  // A subscriber may end its own or another's subscription while it is told.
  std::vector<std::uint64_t> ids;
  ids.reserve(entries_.size());
  for (auto& [id, one] : entries_) ids.push_back(id);
  for (auto id : ids) resume(id);

  // Only now, so that also an event that is too large to be kept was told once.
  while (kept_.size() > events_max_ || octets_ > octets_max_) {
    auto oldest = kept_.begin()->second;
    kept_.erase(kept_.begin());
    octets_ -= octets_of(*oldest);
    lost_up_to_ = oldest->number;
    drop_for_the_slow(*oldest);
  }
}

void event_hub::drop_for_the_slow(const event& lost) {
  for (auto& [id, one] : entries_) {
    if (one->next > lost.number) continue;
    one->next = lost.number + 1;
    if (!concerns(*one, lost)) continue;
    if (one->dropped.count++ == 0) one->dropped.from = lost.number;
    one->dropped.to = lost.number;
  }
}

}  // namespace tilld::daemon
