// What is seen inside the process of a plugin and cannot be told by a message. It lies in memory that the
// process shares with the examiner, so that it outlives a crash; nothing in it owns anything.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>

namespace tilld::plugin_check {

inline constexpr int lives_max = 64;

// A short text that several threads may set; the first one stays.
class first_word {
 public:
  void set(std::string_view text) {
    if (taken_.exchange(true)) return;
    const auto size = text.size() < sizeof text_ - 1 ? text.size() : sizeof text_ - 1;
    std::memcpy(text_, text.data(), size);
    written_ = true;
  }
  std::string text() const { return written_ ? std::string(text_) : std::string(); }

 private:
  std::atomic<bool> taken_ = false, written_ = false;
  char text_[512] = {};
};

struct probe {
  std::atomic<std::int64_t> clock_shift_ms = 0;
  first_word wrong_thread;      // "watch"
  first_word environment;       // the name that was asked for
  first_word environment_left;  // a variable that was set
  first_word folder;            // where it stands now, unless in /
  first_word signals;           // whose disposition is another one
  first_word output;            // what came on standard output

  // After each life of an instance in this process.
  struct measure {
    std::uint32_t descriptors = 0, threads = 0;
    std::uint64_t resident_bytes = 0;
  } lives[lives_max];
  std::atomic<int> lives_measured = 0;
};

// Mapped so that a process that is forked later sees the same.
struct unmap_probe {
  void operator()(probe* it) const;
};
using shared_probe = std::unique_ptr<probe, unmap_probe>;
shared_probe make_probe();

// From here on reads of the environment by the plugin's own code are noted in it; nullptr ends that.
void note_environment_reads_in(probe* it);

// Signals, folder and environment as prepare_process() left them, to be compared after the plugin's end.
class footprint {
 public:
  footprint();
  void compare(probe& to) const;

 private:
  void* handlers_[65];
};

// Of this process. Descriptors of loaded plugins are not counted: the host keeps one for each life.
probe::measure measure_process();

}  // namespace tilld::plugin_check
