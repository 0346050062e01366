#include "daemon/chaos/chaos.hpp"

#include <algorithm>
#include <array>

namespace tilld::daemon {
namespace {

// Of a hundred. A till that repeats what was not answered gets on all the same.
constexpr std::uint64_t delayed_of_100 = 15, closed_before_of_100 = 4, closed_after_of_100 = 6;
constexpr std::uint64_t dies_before_of_100 = 3, dies_after_of_100 = 3, answer_lost_of_100 = 6;
constexpr std::uint64_t delay_ms_min = 20, delay_ms_max = 1'500;

constexpr std::array<std::string_view, 5> spared{"session.", "system.", "plugin.", "token.", "rpc."};

enum stream : std::uint64_t { of_calls = 1, of_delays = 2, of_questions = 3 };

}  // namespace

// SplitMix64 of seed, stream and number: no state that would have to be carried along.
std::uint64_t chaos::draw(std::uint64_t from, std::uint64_t n) const {
  std::uint64_t z = seed_ * 0x9e3779b97f4a7c15 + (from << 56) + n * 0xd1342543de82ef95;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

chaos::call_fate chaos::next_call(std::string_view method) {
  call_fate fate;
  if (std::any_of(spared.begin(), spared.end(), [&](auto begin) { return method.starts_with(begin); }))
    return fate;
  auto n = calls_++;
  if (auto drawn = draw(of_delays, n); drawn % 100 < delayed_of_100) {
    fate.delay = std::chrono::milliseconds(delay_ms_min + (drawn >> 32) % (delay_ms_max - delay_ms_min));
    ++delayed_;
  }
  auto drawn = draw(of_calls, n) % 100;
  if (drawn < closed_before_of_100) {
    fate.what = call_fate::connection::closes_before;
    ++closed_before_;
  } else if (drawn < closed_before_of_100 + closed_after_of_100) {
    fate.what = call_fate::connection::closes_after;
    ++closed_after_;
  }
  return fate;
}

chaos::device_fate chaos::next_question(std::string_view word) {
  // Words of interfaces have a revision behind a slash.
  if (word.find('/') == std::string_view::npos) return device_fate::lives;
  auto drawn = draw(of_questions, questions_++) % 100;
  if (drawn < dies_before_of_100) {
    ++killed_;
    return device_fate::dies_before;
  }
  drawn -= dies_before_of_100;
  if (drawn < dies_after_of_100) {
    ++killed_;
    return device_fate::dies_after;
  }
  drawn -= dies_after_of_100;
  if (drawn < answer_lost_of_100) {
    ++answers_lost_;
    return device_fate::answer_is_lost;
  }
  return device_fate::lives;
}

boost::json::object chaos::describe() const {
  return {{"seed", seed_},
          {"calls", calls_},
          {"delayed", delayed_},
          {"closed_before", closed_before_},
          {"closed_after", closed_after_},
          {"questions", questions_},
          {"killed", killed_},
          {"answers_lost", answers_lost_}};
}

}  // namespace tilld::daemon
