#include "daemon/plugins/supervision.hpp"

#include <algorithm>

namespace tilld::daemon {

std::string_view name(plugin_state s) {
  switch (s) {
    case plugin_state::starting: return "starting";
    case plugin_state::ready: return "ready";
    case plugin_state::waiting: return "waiting";
    case plugin_state::misconfigured: return "misconfigured";
    case plugin_state::failed: return "failed";
    case plugin_state::stopped: return "stopped";
  }
  return "failed";
}

void supervision::started(std::uint64_t) {
  if (ever_started_) ++restarts_;
  ever_started_ = true;
  was_ready_ = false;
  state_ = plugin_state::starting;
}

void supervision::ready(std::uint64_t now_ms) {
  state_ = plugin_state::ready;
  was_ready_ = true;
  ready_since_ms_ = now_ms;
  device_wait_ms_ = 0;
}

void supervision::ended(ending how, const std::string& reason, std::uint64_t now_ms) {
  reason_ = reason;
  switch (how) {
    case ending::stopped: state_ = plugin_state::stopped; return;
    case ending::misconfigured: state_ = plugin_state::misconfigured; return;
    case ending::device_gone:
      device_wait_ms_ = std::min(device_wait_ms_max, device_wait_ms_ ? device_wait_ms_ * 2 : 2000);
      wait_ms_ = device_wait_ms_;
      state_ = plugin_state::waiting;
      return;
    case ending::died: break;
  }
  if (was_ready_ && now_ms - ready_since_ms_ >= quiet_ms) {
    deaths_ms_.clear();
    wait_ms_ = 0;
  }
  deaths_ms_.push_back(now_ms);
  while (!deaths_ms_.empty() && now_ms - deaths_ms_.front() > deaths_window_ms) deaths_ms_.pop_front();
  if (deaths_ms_.size() >= deaths_max) {
    state_ = plugin_state::failed;
    return;
  }
  // The wait counts deaths, not what an absent device left in wait_ms_.
  wait_ms_ = std::min(wait_ms_max, wait_ms_first << std::min<std::size_t>(deaths_ms_.size() - 1, 6));
  state_ = plugin_state::waiting;
}

void supervision::restart() {
  deaths_ms_.clear();
  wait_ms_ = device_wait_ms_ = 0;
  state_ = plugin_state::starting;
}

}  // namespace tilld::daemon
