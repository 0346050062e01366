#include "plugin-api/check/plugin_process.hpp"

#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>
#include <stdexcept>
#include <thread>

#include "daemon/plugin_host/exit_code.hpp"
#include "daemon/plugin_host/process.hpp"
#include "daemon/plugin_host/runner.hpp"

#ifdef TILLD_SANITIZED
// As in tilld-plugin-host: a plugin's crash must look as it does in a shop.
extern "C" const char* __asan_default_options() {
  return "detect_leaks=0:handle_segv=0:handle_sigbus=0:handle_abort=0:handle_sigill=0:handle_sigfpe=0";
}
#endif

namespace tilld::plugin_check {

namespace {

namespace host = daemon::plugin_host;

class probing_observer : public host::runner_observer {
 public:
  explicit probing_observer(probe& to) : to_(to) {}
  std::uint64_t now(std::uint64_t ms) override {
    const auto turned = static_cast<std::int64_t>(ms) + to_.clock_shift_ms.load();
    return turned < 0 ? 0 : static_cast<std::uint64_t>(turned);
  }
  void refused_on_this_thread(std::string_view function) override { to_.wrong_thread.set(function); }

 private:
  probe& to_;
};

[[noreturn]] void leave(host::exit_code code) { ::_exit(static_cast<int>(code)); }

// Standard output of a plugin goes to standard error in a shop; here it is kept apart to be noticed.
int catch_output() {
  const int caught = ::memfd_create("output", MFD_CLOEXEC);
  if (caught >= 0) ::dup2(caught, STDOUT_FILENO);
  return caught;
}

void read_output(int caught, probe& to) {
  std::fflush(stdout);
  char text[400];
  const auto size = caught < 0 ? 0 : ::pread(caught, text, sizeof text, 0);
  if (size > 0) to.output.set({text, static_cast<std::size_t>(size)});
}

// A thread that the plugin has joined, or that ends by itself right after stop, needs a moment to vanish.
probe::measure measure_when_calm(std::uint32_t threads_before) {
  auto now = measure_process();
  for (int turn = 0; turn < 100 && now.threads > threads_before; ++turn) {
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
    now = measure_process();
  }
  return now;
}

[[noreturn]] void be_the_host(int socket, const subject& what, int lives, probe& seen) {
  if (::dup2(socket, host::daemon_socket) < 0) leave(host::exit_code::usage);
  host::command_line line;
  line.instance = "check";
  line.plugin = what.file;
  line.allowed_paths = what.allowed_paths;
  if (!host::prepare_process(line)) leave(host::exit_code::usage);
  std::atexit([] { leave(host::exit_code::plugin_exited); });
  std::set_new_handler([] { leave(host::exit_code::out_of_memory); });
  const int caught = catch_output();
  const footprint before;
  const auto threads = measure_process().threads;
  note_environment_reads_in(&seen);

  auto code = host::exit_code::stopped;
  for (int life = 0; life < lives && code == host::exit_code::stopped; ++life) {
    base::unique_fd own(lives == 1 ? host::daemon_socket : ::dup(host::daemon_socket));
    auto file = host::plugin_file::open(what.file, host::placement::own_process);
    if (!file) {
      host::tell_load_failure(std::move(own), file.error());
      leave(host::exit_code_for(file.error()));
    }
    host::runner_settings settings;
    settings.allowed_paths = what.allowed_paths;
    settings.observer = std::make_shared<probing_observer>(seen);
    if (what.slow) settings.read_size_max = 1;
    code = host::run_plugin(std::move(own), std::move(*file), std::move(settings));
    if (life < lives_max) {
      seen.lives[life] = measure_when_calm(threads);
      seen.lives_measured = life + 1;
    }
  }
  note_environment_reads_in(nullptr);
  read_output(caught, seen);
  before.compare(seen);
  leave(code);
}

}  // namespace

std::string ending::text() const {
  if (signal != 0) {
    const char* name = ::sigabbrev_np(signal);
    return "its process died of " + (name ? "SIG" + std::string(name) : "signal " + std::to_string(signal));
  }
  const auto known = host::describe(code);
  return (known ? std::string(*known) : "its process ended by itself") + " (exit code " +
         std::to_string(code) + ")";
}

plugin_process::plugin_process(const subject& what, int lives) : probe_(make_probe()) {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) throw std::runtime_error("socketpair");
  socket_.reset(ends[0]);
  const base::unique_fd other(ends[1]);
  std::fflush(nullptr);
  pid_ = ::fork();
  if (pid_ < 0) throw std::runtime_error("fork");
  if (pid_ == 0) be_the_host(other.get(), what, lives, *probe_);
}

plugin_process::~plugin_process() { kill(); }

void plugin_process::kill() {
  if (pid_ <= 0 || ended_) return;
  ::kill(pid_, SIGKILL);
  int status = 0;
  ::waitpid(pid_, &status, 0);
  ended_ = ending{-1, SIGKILL};
}

std::optional<ending> plugin_process::wait(std::chrono::milliseconds patience) {
  if (ended_) return ended_;
  const base::unique_fd process(static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0)));
  pollfd one{process.get(), POLLIN, 0};
  if (::poll(&one, 1, static_cast<int>(patience.count())) != 1) return std::nullopt;
  int status = 0;
  ::waitpid(pid_, &status, 0);
  ended_ = WIFSIGNALED(status) ? ending{-1, WTERMSIG(status)} : ending{WEXITSTATUS(status), 0};
  return ended_;
}

}  // namespace tilld::plugin_check
