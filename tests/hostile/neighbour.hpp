// An honest till beside the hostile ones: it asks the same again and again, and knows how long each answer
// took.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "tests/support/line_client.hpp"

namespace tilld::hostile {

struct latency {
  std::size_t samples = 0;
  std::size_t unanswered = 0;  // within ten seconds
  std::chrono::microseconds p50{}, p99{}, most{};
};

// The figures of all these times together.
latency figures_of(std::vector<std::chrono::microseconds> times, std::size_t unanswered);

class neighbour {
 public:
  // What it asks, again and again: a ping, or something of a device.
  explicit neighbour(const std::string& socket, std::string method = "system.ping",
                     boost::json::object params = {});

  // One ping at a time with a pause of a millisecond between an answer and the next one.
  latency ping(std::size_t times);
  // The same, adding the times to those before; returns how many were not answered.
  std::size_t ping(std::size_t times, std::vector<std::chrono::microseconds>& took);

 private:
  tests::line_client line_;
  std::string method_;
  boost::json::object params_;
};

// "p50 0.08 ms, p99 0.31 ms, at most 2.10 ms"
std::string text(const latency& l);

// The bar: others stay within three times their quiet p99, or five milliseconds.
bool unharmed(const latency& quiet, const latency& under_attack);

// What the process holds in memory now (VmRSS).
std::size_t resident_octets(pid_t process);

}  // namespace tilld::hostile
