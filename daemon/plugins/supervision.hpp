// When a plugin instance is started again, and when not any more. No I/O and no clock: moments are handed in,
// so that tests and the simulator walk through a bad night in microseconds.
//
//   starting -> ready -> (died) waiting -> starting ...
//   starting -> misconfigured      its configuration is wrong; only a person can mend that
//   waiting  -> failed             five deaths in ten minutes; restart() or a restart of the daemon tries
//   again
//
// After a death the wait is 1, 2, 4 ... 60 seconds; ten quiet minutes in ready bring it back to one. A device
// that is gone is no death: it is looked for every 2, 4 ... 10 seconds for as long as it takes.
#pragma once

#include <cstdint>
#include <deque>
#include <string>

namespace tilld::daemon {

enum class plugin_state { starting, ready, waiting, misconfigured, failed, stopped };
std::string_view name(plugin_state s);

class supervision {
 public:
  static constexpr std::uint64_t wait_ms_first = 1000, wait_ms_max = 60'000, device_wait_ms_max = 10'000;
  static constexpr std::uint64_t deaths_window_ms = 10 * 60 * 1000, quiet_ms = 10 * 60 * 1000;
  static constexpr std::size_t deaths_max = 5;

  enum class ending { died, device_gone, misconfigured, stopped };

  void started(std::uint64_t now_ms);
  void ready(std::uint64_t now_ms);
  // The process or thread ended. Afterwards state() is waiting (start again in wait_ms()), misconfigured,
  // failed or stopped.
  void ended(ending how, const std::string& reason, std::uint64_t now_ms);
  // A person wants another try: all deaths are forgotten.
  void restart();

  plugin_state state() const { return state_; }
  std::uint64_t wait_ms() const { return wait_ms_; }
  const std::string& reason() const {
    return reason_;
  }  // of the last ending; stays readable while it runs again
  std::uint32_t restarts() const { return restarts_; }

 private:
  plugin_state state_ = plugin_state::starting;
  std::deque<std::uint64_t> deaths_ms_;
  std::uint64_t wait_ms_ = 0, device_wait_ms_ = 0, ready_since_ms_ = 0;
  bool was_ready_ = false, ever_started_ = false;
  std::uint32_t restarts_ = 0;
  std::string reason_;
};

}  // namespace tilld::daemon
