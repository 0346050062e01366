// Why a plugin's process ended, so that the supervisor can say it without guessing.
//
// A process that a signal ended has no code: the signal is the reason (SIGSEGV, SIGKILL by the supervisor).
#pragma once

#include <optional>
#include <string_view>

namespace tilld::daemon::plugin_host {

enum class exit_code : int {
  stopped = 0,          // stop was asked for and done
  usage = 2,            // the command line of the host was wrong: a bug of the daemon
  misconfigured = 80,   // start() said E_CONFIG; starting again is useless until the config changes
  load_failed = 81,     // the file is not there, or the loader did not take it
  refused = 82,         // the file must not be loaded: owner, permissions, symbols, ABI, descriptor
  start_failed = 83,    // start() failed in another way
  device_gone = 84,     // E_NO_DEVICE, from start() or later: look for the device and start again
  plugin_failed = 85,   // the plugin said that it cannot go on, or an exception left it
  out_of_memory = 86,   // an allocation was refused under --memory-max
  plugin_exited = 87,   // the plugin called exit()
  hung = 88,            // the plugin's thread did not come back within the grace after stop or hang-up
  daemon_gone = 89,     // the socket ended without a stop
  protocol_error = 90,  // what came over the socket was not a frame
  sandbox_failed = 91   // the kernel has Landlock and refused to apply it
};

// A sentence for IT staff. Nothing for a number that is not one of ours.
constexpr std::optional<std::string_view> describe(int code) {
  switch (static_cast<exit_code>(code)) {
    case exit_code::stopped: return "stopped as asked";
    case exit_code::usage: return "the plugin host was called wrongly";
    case exit_code::misconfigured: return "the plugin refused its configuration";
    case exit_code::load_failed: return "the plugin file could not be loaded";
    case exit_code::refused: return "the plugin file was not accepted";
    case exit_code::start_failed: return "the plugin could not start";
    case exit_code::device_gone: return "the device is not there";
    case exit_code::plugin_failed: return "the plugin could not go on";
    case exit_code::out_of_memory: return "the plugin used more memory than it may";
    case exit_code::plugin_exited: return "the plugin ended its process by itself";
    case exit_code::hung: return "the plugin did not stop in time";
    case exit_code::daemon_gone: return "the daemon hung up";
    case exit_code::protocol_error: return "the daemon sent something unreadable";
    case exit_code::sandbox_failed: return "the sandbox could not be applied";
  }
  return std::nullopt;
}

}  // namespace tilld::daemon::plugin_host
