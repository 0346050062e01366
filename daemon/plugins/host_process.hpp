// The other side of a plugin's socket: its own process running tilld-plugin-host (the rule), or a thread of
// the daemon running the same loop (isolation: none). Both end when the socket closes; only a process can be
// killed.
#pragma once

#include <sys/types.h>

#include <memory>
#include <string>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>

#include "base/error.hpp"
#include "daemon/config/config.hpp"
#include "daemon/plugin_host/exit_code.hpp"

namespace tilld::daemon {

class chaos;

struct host_settings {
  std::string program;       // path of tilld-plugin-host
  std::string state_folder;  // an instance's own folder is FOLDER/plugins/NAME
  bool allow_test_environment = false;
  // Lets isolation: none load plugins that link SQLite, libusb or libnfc, at the risk of the person at the
  // debugger.
  bool debug_plugins = false;
  // Reports every message that does not fit its schema, in both directions and with what is wrong; else the
  // first of each name and without the words, which may quote what the message holds.
  bool check_schemas = false;
  // What goes wrong on purpose; null in a shop. Outlives the instances.
  chaos* on_purpose = nullptr;
};

// How it ended, for people: "signal 11 (Segmentation fault)", "exit 3".
struct host_ending {
  enum class kind { clean, misconfigured, device_gone, died } how = kind::died;
  std::string words;
};

host_ending ending_of(plugin_host::exit_code code);

class host {
 public:
  virtual ~host() = default;
  // At once, without asking. Does nothing for a thread, which cannot be killed: it is left behind, cut off.
  virtual void kill() = 0;
  // Completes when it has ended. Called once.
  virtual boost::asio::awaitable<host_ending> ended() = 0;
  // The process, 0 for a thread.
  virtual pid_t pid() const = 0;
};

struct launched_host {
  boost::asio::local::stream_protocol::socket socket;
  std::unique_ptr<tilld::daemon::host> host;
};

// plugin_missing when the program or the plugin cannot be found.
base::result<launched_host> launch_process(boost::asio::any_io_executor executor, const plugin_config& plugin,
                                           const host_settings& settings);
base::result<launched_host> launch_thread(boost::asio::any_io_executor executor, const plugin_config& plugin,
                                          const host_settings& settings);

}  // namespace tilld::daemon
