// What happens at the till, told to whoever subscribed: scans, cards, printer changes, plugins, claims, the
// queue. Each event has a number that grows by one over all topics, from 1 at each start of the daemon.
//
// The last events are kept, so that a client that hung up can go on after the last number that it saw. Kept
// are at most events_kept_max events and octets_kept_max octets of data; beyond that the oldest are lost, and
// lost_up_to() says so. The same memory serves those who read slowly: a subscription is a place in it, and
// who has no room for the next event is told it later. Only what is lost before it was told is dropped, and
// the subscriber hears the count.
//
// Everything is told in order, each event at most once a subscription. [I/O thread]
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"

namespace tilld::daemon {

struct event {
  std::uint64_t number = 0;
  std::int64_t at_ms = 0;  // Unix time
  std::string topic;       // "scanner.scanned"
  std::string source;      // plugin instance, or "tilld"
  std::string data;        // JSON object

  // Whom it is for, where it is not for everybody: the holder of a claim, or the principal of an operation.
  // Who subscribes decides with event_subscriber::sees.
  std::string claim = {};
  std::uint64_t connection = 0;  // that had the claim at the time
  std::string principal = {};
};

// Events that were lost before they could be told.
struct dropped_events {
  std::uint64_t from = 0, to = 0;  // numbers; others of other topics may lie between
  std::uint64_t count = 0;
};

struct event_subscriber {
  // Empty sees everything of its topics.
  std::function<bool(const event&)> sees;
  // False: no room now; the same is told again after resume(). `missed` are those that happened before the
  // subscription was made.
  std::function<bool(const event&, bool missed)> tell;
  // The same for what was dropped; told as soon as there is room.
  std::function<bool(const dropped_events&)> tell_dropped;
};

class event_hub {
 public:
  static constexpr std::size_t events_kept_max = 4096, octets_kept_max = 2 << 20;

  explicit event_hub(const base::clock& clock, std::size_t events_max = events_kept_max,
                     std::size_t octets_max = octets_kept_max)
      : clock_(clock), events_max_(events_max), octets_max_(octets_max) {}

  // A topic is a whole name ("scanner.scanned") or its first word ("scanner"); "*" is everything. Begins with
  // the first kept event after `since`, and tells nothing before the first resume() or publish().
  std::uint64_t subscribe(std::vector<std::string> topics, event_subscriber who, std::uint64_t since);
  std::uint64_t subscribe(std::vector<std::string> topics, event_subscriber who) {
    return subscribe(std::move(topics), std::move(who), number_);
  }
  bool unsubscribe(std::uint64_t id);
  // There is room again: goes on telling.
  void resume(std::uint64_t id);

  // The number, time and place in the order are given here. With `last_only` an earlier event of the same
  // topic is not kept any more: only the last one counts, and it must not push others out.
  void publish(event e, bool last_only = false);
  void publish(std::string topic, std::string source, std::string data) {
    event e;
    e.topic = std::move(topic);
    e.source = std::move(source);
    e.data = std::move(data);
    publish(std::move(e));
  }

  std::uint64_t last_number() const { return number_; }
  // Of the events up to this number some are not kept any more; 0 when nothing was lost.
  std::uint64_t lost_up_to() const { return lost_up_to_; }

  static bool covers(std::string_view subscribed, std::string_view topic);

 private:
  struct entry {
    std::vector<std::string> topics;
    event_subscriber who;
    std::uint64_t next = 0;   // number of the first event that was not considered yet
    std::uint64_t began = 0;  // the last number when it was made
    dropped_events dropped;
    bool telling = false;
  };
  static bool concerns(const entry& one, const event& e);
  void drop_for_the_slow(const event& lost);

  const base::clock& clock_;
  std::size_t events_max_, octets_max_;
  std::map<std::uint64_t, std::shared_ptr<entry>> entries_;
  std::map<std::uint64_t, std::shared_ptr<const event>> kept_;
  std::map<std::string, std::uint64_t, std::less<>> last_of_topic_;  // of those published with last_only
  std::size_t octets_ = 0;
  std::uint64_t next_id_ = 1, number_ = 0, lost_up_to_ = 0;
};

}  // namespace tilld::daemon
