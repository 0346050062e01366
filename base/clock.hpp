// Time comes from outside, so that tests and the simulator turn it by hand.
#pragma once

#include <array>
#include <cstdint>

namespace tilld::base {

// How far the wall clock can be believed. Stored with every record: a till without a battery starts in 1970,
// and order never depends on time.
enum class clock_trust : std::uint8_t {
  unknown = 0,         // nobody said
  unsynchronised = 1,  // the kernel says that no time source disciplines it
  synchronised = 2,    // the kernel's clock is disciplined (NTP or PTP)
};

struct time_stamp {
  std::int64_t unix_ms = 0;        // wall clock, UTC
  std::uint64_t monotonic_ms = 0;  // since boot, never back
  std::array<std::uint8_t, 16> boot_id{};
  clock_trust trust = clock_trust::unknown;
};

class clock {
 public:
  virtual ~clock() = default;
  virtual time_stamp now() const = 0;
  std::int64_t unix_ms() const { return now().unix_ms; }
  std::uint64_t monotonic_ms() const { return now().monotonic_ms; }
};

// The machine's clocks. Trust is asked from the kernel (adjtimex) at most once a minute. [one thread]
class system_clock : public clock {
 public:
  system_clock();
  time_stamp now() const override;

 private:
  std::array<std::uint8_t, 16> boot_id_{};
  mutable std::uint64_t trust_asked_ms_ = 0;
  mutable clock_trust trust_ = clock_trust::unknown;
};

// A clock that stands until it is told to move.
class test_clock : public clock {
 public:
  time_stamp stamp{1'700'000'000'000, 1000, {}, clock_trust::synchronised};
  time_stamp now() const override { return stamp; }
  void advance(std::int64_t ms) {
    stamp.unix_ms += ms;
    stamp.monotonic_ms += static_cast<std::uint64_t>(ms);
  }
};

}  // namespace tilld::base
