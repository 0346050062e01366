// tilld-plugin-host: runs one plugin in a process of its own, so that a crash, a hang or a leak stays there.
//
//   tilld-plugin-host --instance NAME --plugin FILE [--allow-path PATH[:rw]]... [--memory-max BYTES]
//                     [--allow-test-environment]
//
// tilld starts it with a connected stream socket as descriptor 3 and nothing else; people do not. What is
// said over the socket is in wire/plugin_instance.hpp, what the exit codes mean in exit_code.hpp. The thread
// that starts it must live as long as the daemon: the kernel sends the death signal when that thread ends.
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <new>

#include "daemon/plugin_host/process.hpp"
#include "daemon/plugin_host/runner.hpp"

#ifdef TILLD_SANITIZED
// A plugin's crash must look as it does in a shop, and leaks cannot be counted in a process that may not read
// /proc.
extern "C" const char* __asan_default_options() {
  return "detect_leaks=0:handle_segv=0:handle_sigbus=0:handle_abort=0:handle_sigill=0:handle_sigfpe=0";
}
#endif

namespace {

using namespace tilld::daemon::plugin_host;

// Ends without destructors: a plugin's threads may still be running, and its library is never unloaded.
[[noreturn]] void leave(exit_code code) { ::_exit(static_cast<int>(code)); }

}  // namespace

int main(int argc, char** argv) {
  auto line = read_command_line(argc, argv);
  if (!line) {
    std::fprintf(stderr, "tilld-plugin-host: %s\n", line.error().detail.c_str());
    return static_cast<int>(exit_code::usage);
  }
  if (auto ready = prepare_process(*line); !ready) {
    std::fprintf(stderr, "tilld-plugin-host: %s\n", ready.error().detail.c_str());
    return static_cast<int>(exit_code::usage);
  }
  // From here on only leave() ends the process; whoever gets to this handler called exit().
  std::atexit([] { leave(exit_code::plugin_exited); });
  std::set_new_handler([] { leave(exit_code::out_of_memory); });

  tilld::base::unique_fd socket(daemon_socket);
  auto file = plugin_file::open(line->plugin, placement::own_process);
  if (!file) {
    tell_load_failure(std::move(socket), file.error());
    leave(exit_code_for(file.error()));
  }
  runner_settings settings;
  settings.allowed_paths = std::move(line->allowed_paths);
  leave(run_plugin(std::move(socket), std::move(*file), std::move(settings)));
}
