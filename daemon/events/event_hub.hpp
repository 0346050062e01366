// What happens at the till, told to whoever subscribed: scans, cards, printer changes, plugins, the queue.
// Each event has a number that grows by one; listeners are called at once, in the order in which they
// subscribed. [I/O thread]
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace tilld::daemon {

struct event {
  std::uint64_t number = 0;
  std::string topic;   // "scanner.scanned"
  std::string source;  // plugin instance, or "tilld"
  std::string data;    // JSON object
};

class event_hub {
 public:
  using listener = std::function<void(const event&)>;

  // A topic is a whole name ("scanner.scanned") or its first word ("scanner"); "*" is everything.
  std::uint64_t subscribe(std::vector<std::string> topics, listener l);
  bool unsubscribe(std::uint64_t id);
  void publish(std::string topic, std::string source, std::string data);
  std::uint64_t last_number() const { return number_; }

  static bool covers(std::string_view subscribed, std::string_view topic);

 private:
  struct entry {
    std::vector<std::string> topics;
    listener tell;
  };
  std::map<std::uint64_t, entry> entries_;
  std::uint64_t next_id_ = 1;
  std::uint64_t number_ = 0;
};

}  // namespace tilld::daemon
