// Time, chance and the story of one run. Everything that happens is an event in one queue, ordered by virtual
// time and, within a millisecond, by the order in which it was wished for; every random number comes out of
// one generator. So a seed is a run, and the same seed is the same run, octet for octet.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "base/bytes.hpp"

namespace tilld::sim {

// SplitMix64 (Steele, Lea, Flood 2014): one word of state, any seed is a good one.
class chance {
 public:
  explicit chance(std::uint64_t seed) : state_(seed) {}
  std::uint64_t next();
  std::uint64_t below(std::uint64_t n) { return n == 0 ? 0 : next() % n; }
  // From a to b, both included.
  std::uint64_t between(std::uint64_t a, std::uint64_t b) { return a + below(b - a + 1); }
  // True in so many of a million cases.
  bool hits(std::uint64_t in_a_million) { return in_a_million != 0 && below(1'000'000) < in_a_million; }
  bool coin() { return next() & 1; }

 private:
  std::uint64_t state_;
};

// A promise that was broken: which one, and how.
struct violation {
  std::string promise;
  std::string how;
};

class world {
 public:
  // A run that tells its story is the same run, only slower.
  world(std::uint64_t seed, bool tells);

  std::uint64_t now_ms() const { return now_ms_; }
  std::uint64_t events() const { return events_; }
  // A number that depends on everything that happened.
  std::uint64_t trace() const { return trace_; }

  void at(std::uint64_t when_ms, std::function<void()> what);
  void after(std::uint64_t ms, std::function<void()> what) { at(now_ms_ + ms, std::move(what)); }
  // The next event; false when there is none or a promise was broken.
  bool turn();
  // What is still in the queue does not happen.
  void stop() { queue_.clear(); }

  // Takes part in trace().
  void mark(std::uint64_t what) { trace_ = (trace_ ^ what) * 0x9e3779b97f4a7c15u + (trace_ >> 29); }
  void mark(base::byte_view octets);

  bool tells() const { return tells_; }
  // A line of the story: who, and what in texts and numbers.
  template <class... Parts>
  void tell(std::string_view who, const Parts&... parts) {
    if (!tells_) return;
    std::string line;
    (add(line, parts), ...);
    say(who, line);
  }

  // The first one counts; the run ends with it.
  void broken(std::string promise, std::string how);
  const std::optional<violation>& violated() const { return violated_; }

  chance dice;

 private:
  struct event {
    std::uint64_t when_ms;
    std::uint64_t number;
    std::function<void()> what;
    bool operator<(const event& o) const {
      return when_ms != o.when_ms ? when_ms > o.when_ms : number > o.number;
    }
  };
  static void add(std::string& line, std::string_view text) { line += text; }
  template <class Number>
  requires std::is_integral_v<Number>
  static void add(std::string& line, Number n) { line += std::to_string(n); }
  void say(std::string_view who, const std::string& line);

  std::uint64_t now_ms_ = 0, events_ = 0, last_number_ = 0, trace_ = 0;
  bool tells_;
  std::vector<event> queue_;  // a heap
  std::optional<violation> violated_;
};

}  // namespace tilld::sim
