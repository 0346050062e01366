// One plugin at work: its thread, what it is told and what it says. runner.hpp has the picture; this is the
// half that runs plugin code.
#pragma once

#include <poll.h>
#include <tilld/plugin.h>

#include <atomic>
#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "daemon/plugin_host/ear.hpp"
#include "daemon/plugin_host/inbox.hpp"
#include "daemon/plugin_host/outbox.hpp"
#include "daemon/plugin_host/runner.hpp"
#include "daemon/plugin_host/wakeup.hpp"

namespace tilld::daemon::plugin_host {

class instance {
 public:
  instance(int socket, plugin_file file, const runner_settings& how);
  instance(const instance&) = delete;

  // The plugin's thread, from the sandbox to the end.
  void run();

  // The rest is for the I/O thread, and what heard() calls for whoever reads.
  outbox& out() { return out_; }
  ear& heard() { return ear_; }
  // Rings when the socket did not take everything, when who listens has changed, and at the end.
  const wakeup& to_io() const { return to_io_; }
  const alarm_clock& take_over() const { return alarm_; }
  // After the alarm: listens from now on, if a call into the plugin is still not back.
  void take_over_if_busy();
  bool plugin_listens() const { return plugin_listens_; }
  // Writes what the socket takes. False when the other side is gone.
  bool write_out();
  // Nothing is read or written any more, whatever a thread that hangs does later.
  void cut_off();

  // A message from the daemon that is the plugin's business, or start or ping.
  void deliver(wire::plugin_message message);
  void cancel(std::uint64_t request_id);
  void answer_busy_since(const wire::plugin_message& request);
  void stop(const wire::plugin_message& request);
  void hang_up(exit_code why);

  bool ending() const;                        // the plugin's thread will come back, or should
  std::optional<exit_code> finished() const;  // it has come back

 private:
  using clock = std::chrono::steady_clock;

  // What the plugin holds of us. C functions find the way back through it.
  struct face : tilld_host {
    instance* self;
  };
  static instance& of(const tilld_host* host) { return *static_cast<const face*>(host)->self; }

  void speak();  // writes what waits in the outbox, or has the I/O thread do it
  tilld_status send(const tilld_message* message);
  void log(int level, std::string_view text);
  tilld_status watch(int fd, std::int16_t events);
  tilld_status timer(std::uint32_t id, std::uint32_t delay_ms);
  bool on_plugin_thread(std::string_view function) const;
  std::uint64_t now_ms() const;

  exit_code live();
  base::result<> say_hello(const sandbox_report& sandbox);
  void serve_once();
  void take_message(const inbox::waiting& next);
  void start(const wire::plugin_message& request);
  void stop_plugin();
  void call_timers();
  int milliseconds_to_next_timer() const;

  // Runs a piece of plugin code: notes what is running, and stops what is thrown.
  template <class Work>
  void in_plugin(std::string_view name, Work work);

  void reply(const wire::plugin_message& request, tilld_status status, std::string_view body);
  void refuse(const wire::plugin_message& request, tilld_status status, std::string_view detail);
  void tell_failed(tilld_status status, std::string_view body);
  void end(exit_code why);  // the first reason counts

  std::optional<plugin_file> file_;
  std::vector<allowed_path> allowed_paths_;
  std::shared_ptr<runner_observer> observer_;  // none in a till
  face face_;
  const clock::time_point begun_ = clock::now();

  // Of the plugin's thread alone.
  const tilld_plugin* plugin_ = nullptr;
  std::map<int, std::int16_t> watched_;
  std::map<std::uint32_t, clock::time_point> timers_;
  std::vector<pollfd> ready_;

  inbox in_;
  outbox out_;
  ear ear_;
  std::mutex socket_guard_;
  int socket_;  // for writing; -1 when it is cut off
  wakeup to_plugin_, to_io_;
  alarm_clock alarm_;
  std::atomic<bool> plugin_listens_ = false, alarm_is_set_ = false;
  std::atomic<std::thread::id> thread_;
  std::atomic<int> questions_ = 0;  // of the plugin to the daemon, not answered yet
  std::atomic<unsigned> lines_lost_ = 0;

  // Held while cancel() runs, so that it never meets stop().
  std::mutex instance_guard_;
  void* instance_ = nullptr;  // what start() made; a plugin without a state of its own makes nothing
  bool started_ = false;

  mutable std::mutex guard_;  // of what follows; a leaf, nothing is called under it
  std::optional<exit_code> why_ended_;
  std::optional<exit_code> finished_;
  std::optional<wire::plugin_message> stop_request_;
  std::string in_call_;
  clock::time_point in_call_since_;
  std::string last_error_line_;
};

}  // namespace tilld::daemon::plugin_host
