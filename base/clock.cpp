#include "base/clock.hpp"

#include <sys/timex.h>
#include <time.h>

#include "base/file.hpp"
#include "base/id.hpp"

namespace tilld::base {

system_clock::system_clock() {
  if (auto text = read_file("/proc/sys/kernel/random/boot_id", 64))
    if (auto id = uuid::parse(as_text(*text).substr(0, 36))) boot_id_ = id->octets;
}

time_stamp system_clock::now() const {
  timespec wall{}, boot{};
  clock_gettime(CLOCK_REALTIME, &wall);
  clock_gettime(CLOCK_BOOTTIME, &boot);
  time_stamp t;
  t.unix_ms = static_cast<std::int64_t>(wall.tv_sec) * 1000 + wall.tv_nsec / 1'000'000;
  t.monotonic_ms =
      static_cast<std::uint64_t>(boot.tv_sec) * 1000 + static_cast<std::uint64_t>(boot.tv_nsec) / 1'000'000;
  t.boot_id = boot_id_;
  if (trust_ == clock_trust::unknown || t.monotonic_ms - trust_asked_ms_ > 60'000) {
    timex query{};
    int state = adjtimex(&query);
    trust_ = state < 0                                            ? clock_trust::unknown
             : state == TIME_ERROR || (query.status & STA_UNSYNC) ? clock_trust::unsynchronised
                                                                  : clock_trust::synchronised;
    trust_asked_ms_ = t.monotonic_ms;
  }
  t.trust = trust_;
  return t;
}

}  // namespace tilld::base
