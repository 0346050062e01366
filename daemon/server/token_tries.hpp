// How often wrong tokens came over HTTP, for each origin by itself and for all programs together. Whoever
// keeps trying is told to wait; a right token is never refused for another one's tries. [I/O thread]
#pragma once

#include <chrono>
#include <deque>
#include <map>
#include <string>

namespace tilld::daemon {

class token_tries {
 public:
  using time_point = std::chrono::steady_clock::time_point;
  static constexpr std::size_t tries_max = 20;
  static constexpr auto span = std::chrono::minutes(1);

  // Counts a wrong one; true when there were too many in the last minute. Origins are those of the
  // configuration, so their number is bounded.
  bool too_many(const std::string& origin, time_point now) {
    auto& tries = tries_[origin];
    while (!tries.empty() && now - tries.front() > span) tries.pop_front();
    if (tries.size() >= tries_max) return true;
    tries.push_back(now);
    return false;
  }

 private:
  std::map<std::string, std::deque<time_point>> tries_;
};

}  // namespace tilld::daemon
