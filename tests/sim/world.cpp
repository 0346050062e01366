#include "tests/sim/world.hpp"

#include <algorithm>
#include <cstdio>
#include <cstring>

namespace tilld::sim {

std::uint64_t chance::next() {
  state_ += 0x9e3779b97f4a7c15u;
  auto z = state_;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

world::world(std::uint64_t seed, bool tells) : dice(seed), tells_(tells) {}

void world::at(std::uint64_t when_ms, std::function<void()> what) {
  queue_.push_back({std::max(when_ms, now_ms_), ++last_number_, std::move(what)});
  std::push_heap(queue_.begin(), queue_.end());
}

bool world::turn() {
  if (queue_.empty() || violated_) return false;
  std::pop_heap(queue_.begin(), queue_.end());
  auto next = std::move(queue_.back());
  queue_.pop_back();
  now_ms_ = next.when_ms;
  ++events_;
  mark(now_ms_ ^ next.number << 32);
  next.what();
  // The longest runs have some ten thousand.
  if (events_ == 500'000) broken("INV-6 everything comes to rest", "half a million events, and no end");
  return !violated_;
}

void world::mark(base::byte_view octets) {
  auto left = octets;
  while (left.size() >= 8) {
    std::uint64_t eight;
    std::memcpy(&eight, left.data(), 8);
    mark(eight);
    left = left.subspan(8);
  }
  std::uint64_t rest = octets.size();
  for (auto o : left) rest = rest << 8 | o;
  mark(rest);
}

void world::broken(std::string promise, std::string how) {
  if (violated_) return;
  tell("*** " + promise, how);
  violated_ = violation{std::move(promise), std::move(how)};
}

void world::say(std::string_view who, const std::string& line) {
  std::printf("%9llu.%03llu  %-12.*s %s\n", static_cast<unsigned long long>(now_ms_ / 1000),
              static_cast<unsigned long long>(now_ms_ % 1000), static_cast<int>(who.size()), who.data(),
              line.c_str());
}

}  // namespace tilld::sim
