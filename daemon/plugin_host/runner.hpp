// Runs one plugin behind one socket: the loop that is the same in a process of its own and on a thread of the
// daemon.
//
// Two threads. The plugin's thread is started here; it enters the sandbox, loads the library, makes every
// [plugin-thread] call, and sleeps in poll() on a wake-up, the plugin's descriptors, its next timer, and the
// socket: a hop between two threads costs more than most calls. Whoever has something to say writes it
// itself. The I/O thread, which is the caller's, does what is left when the plugin's thread cannot: it writes
// what the socket did not take, and when a call into the plugin lasts longer than a few milliseconds it
// listens until the call comes back, so that cancel is handed on and busy_since answered while the plugin is
// stuck. An alarm clock tells it; the plugin's thread sets it before a call, at most once in that time.
//
// Everything between them has a bound. At most plugin_waiting_max messages and 32 MiB wait for the plugin; a
// request beyond that is answered BUSY. At most 4 MiB (or one message) wait for the socket; a plugin that
// sends more is made to wait in send() for up to a second and then told TILLD_E_BUSY. Log lines are dropped
// there, with a count. What the messages mean is in wire/plugin_instance.hpp; whether an answer makes sense
// is for the daemon to judge, so a second answer or one to an unknown id is passed on.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.hpp"
#include "daemon/plugin_host/exit_code.hpp"
#include "daemon/plugin_host/plugin_file.hpp"
#include "daemon/plugin_host/sandbox.hpp"

namespace tilld::daemon::plugin_host {

// For who examines plugins (plugin-api/check) and not for a till: sees what no message tells the daemon, and
// turns the plugin's clock. [any-thread], also after run_plugin() returned hung.
class runner_observer {
 public:
  virtual ~runner_observer() = default;
  // What now() tells the plugin; `ms` is what it would tell.
  virtual std::uint64_t now(std::uint64_t ms) { return ms; }
  // The plugin called `function` of its host on a thread that may not, and was refused.
  virtual void refused_on_this_thread(std::string_view /*function*/) {}
};

struct runner_settings {
  std::vector<allowed_path> allowed_paths;
  // How long the plugin's thread may take to come back after stop or hang-up. Then the result is hung.
  std::chrono::milliseconds stop_grace{2000};
  // How much is read from the socket at a time; an examiner makes it small.
  std::size_t read_size_max = 64 * 1024;
  std::shared_ptr<runner_observer> observer;
};

// Blocks until the instance has ended, in one way or another, and what it said has gone out. The socket is a
// connected stream; it is closed on return. The loaded library stays.
//
// After `hung` the plugin's thread is still somewhere in the plugin: a process must end then, and a daemon
// that ran the plugin on a thread has lost that thread for good.
exit_code run_plugin(base::unique_fd socket, plugin_file file, runner_settings settings);

// The same when there is no file to run: tells the daemon why.
void tell_load_failure(base::unique_fd socket, const base::error& why);

// How a failure to open or load is told to the supervisor.
exit_code exit_code_for(const base::error& why);

}  // namespace tilld::daemon::plugin_host
