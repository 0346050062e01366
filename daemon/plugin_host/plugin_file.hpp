// A plugin's file: opened once, judged by what was opened, loaded from what was judged.
#pragma once

#include <tilld/plugin.h>

#include <string>

#include "base/error.hpp"
#include "base/file.hpp"

namespace tilld::daemon::plugin_host {

// Where the plugin is going to run.
enum class placement {
  own_process,
  daemon_thread,  // next to the daemon's own SQLite: some libraries must not come twice into one process
  daemon_thread_debugging  // the same, at the risk of the person at the debugger
};

class plugin_file {
 public:
  // Refused (plugin_refused) are: a link; a file that belongs to somebody else than root and the user of this
  // process, or that group or others may write; a run path; any exported symbol besides tilld_plugin_v1; and
  // on a thread of the daemon a file that needs libsqlite3, libusb or libnfc. plugin_missing where there is
  // no loadable file.
  static base::result<plugin_file> open(const std::string& path, placement where);

  // Of the opened file, for the sandbox.
  int descriptor() const { return descriptor_.get(); }

  // Loads the very file that was judged, through its descriptor, with everything bound at once and nothing
  // shared with other libraries, and checks the descriptor of the plugin. Code of the library runs here: call
  // it on the thread and in the sandbox that the plugin is to live in. The library stays loaded until the
  // process ends, and the descriptor with it: the loader knows libraries by their path, and /proc/self/fd/7
  // must not become another file.
  base::result<const tilld_plugin*> load() &&;

 private:
  explicit plugin_file(base::unique_fd descriptor) : descriptor_(std::move(descriptor)) {}
  base::unique_fd descriptor_;
};

// What is wrong with what a plugin says of itself; nothing where it is well-formed.
base::result<> check_descriptor(const tilld_plugin* plugin);

}  // namespace tilld::daemon::plugin_host
