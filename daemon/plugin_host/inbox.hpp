// Messages that wait for the plugin's thread, in the order in which they came.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>

#include "wire/plugin_frame.hpp"

namespace tilld::daemon::plugin_host {

class inbox {
 public:
  using clock = std::chrono::steady_clock;
  static constexpr std::size_t bytes_max = 32 * 1024 * 1024;

  struct waiting {
    wire::plugin_message message;
    clock::time_point arrived;
    // A request that waited past its deadline is not worth starting.
    bool expired(clock::time_point now) const {
      return message.kind == wire::plugin_message_kind::request && message.deadline_ms != 0 &&
             now - arrived > std::chrono::milliseconds(message.deadline_ms);
    }
  };

  // False when it is full, except for replies: somebody asked for them, and how many can be asked is bounded.
  bool add(wire::plugin_message message);
  std::optional<waiting> take();
  // Takes out the request with this id, if it still waits.
  std::optional<wire::plugin_message> take_request(std::uint64_t id);
  std::size_t count() const;

 private:
  static std::size_t size_of(const wire::plugin_message& m) {
    return m.name.size() + m.body.size() + m.blob.size();
  }

  mutable std::mutex guard_;
  std::deque<waiting> messages_;
  std::size_t bytes_ = 0;
};

}  // namespace tilld::daemon::plugin_host
