// Plays a script against one plugin in this process: it is the host, the device and the till at once. Time
// stands still but for `wait`, so that a script gives the same result on any machine.
#pragma once

#include <tilld/plugin.h>

#include <cstdint>
#include <deque>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "plugin-api/replay/script.hpp"

namespace tilld::replay {

// The plugin did something else than the script says; for people.
struct mismatch : std::runtime_error {
  using std::runtime_error::runtime_error;
};

class player {
 public:
  explicit player(const tilld_plugin& plugin);
  ~player();  // stop() where it was started
  player(const player&) = delete;

  // Throws mismatch.
  void play(const step& s);
  // What a script ends with: nothing more is said, and stop() returns.
  void finish();

 private:
  struct message {
    std::uint32_t kind;
    std::uint64_t id;
    tilld_status status;
    std::string name, body, blob;
  };

  static tilld_status on_send(const tilld_host* host, const tilld_message* m);
  static void on_log(const tilld_host* host, std::int32_t level, const char* text);
  static tilld_status on_watch(const tilld_host* host, int fd, std::int16_t events);
  static tilld_status on_set_timer(const tilld_host* host, std::uint32_t id, std::uint32_t delay_ms);
  static std::uint64_t on_now(const tilld_host* host);
  static player& of(const tilld_host* host);

  void make_device();
  void start(const step& s);
  void say(const std::string& octets);
  void hear(const std::string& octets);
  void ask(const step& s);
  void answer(const step& s);
  void move_clock(std::uint32_t ms);
  void unplug();
  // Calls on_fd until no descriptor is ready.
  void pump();
  // Waits up to five seconds of real time for the next message.
  message next(const std::string& expected);
  void expect(const step& s, std::uint32_t kind, const std::string& name);
  void expect_silence();
  std::string with_device(std::string text) const;
  void need_instance() const;

  struct callbacks {  // begins with what the plugin sees
    tilld_host abi;
    player* self;
  } host_{};
  const tilld_plugin& plugin_;
  void* instance_ = nullptr;
  bool started_ = false;

  int device_ = -1, other_end_ = -1;
  std::string device_path_;

  std::map<int, std::int16_t> watched_;
  std::map<std::uint32_t, std::uint64_t> timers_;  // due at
  std::uint64_t now_ms_ = 1000;
  std::uint64_t last_id_ = 0;
  std::deque<std::pair<std::uint64_t, std::string>> asked_;
  std::deque<message> questions_;
  std::mutex guard_;
  std::deque<message> said_;
};

}  // namespace tilld::replay
