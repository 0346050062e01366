#include "daemon/plugins/host_process.hpp"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <set>
#include <vector>

#include "base/as_result.hpp"
#include "base/file.hpp"

extern char** environ;

namespace tilld::daemon {

namespace asio = boost::asio;
using base::errc;
using base::error;
using base::result;

namespace {

host_ending describe_ending(int status) {
  host_ending ending;
  if (WIFSIGNALED(status)) {
    int number = WTERMSIG(status);
    ending.words = "signal " + std::to_string(number) + " (" + ::strsignal(number) + ")";
    return ending;
  }
  return ending_of(static_cast<plugin_host::exit_code>(WEXITSTATUS(status)));
}

// Hosts that run now. Their children, when orphaned, become the daemon's (see server/ancestry.hpp).
std::set<pid_t>& hosts() {
  static std::set<pid_t> all;
  return all;
}

// Lets adopted processes go that have ended, up to the first one that is a host: its own watcher will come
// for it.
void bury_orphans() {
  for (;;) {
    siginfo_t ended{};
    if (::waitid(P_ALL, 0, &ended, WEXITED | WNOHANG | WNOWAIT) != 0 || ended.si_pid == 0) return;
    if (hosts().contains(ended.si_pid)) return;
    ::waitpid(ended.si_pid, nullptr, WNOHANG);
  }
}

// A process, watched by its pidfd: no signal handler, and the number cannot be somebody else's by the time it
// is used.
class child_process : public host {
 public:
  child_process(asio::any_io_executor executor, pid_t pid)
      : pid_(pid), pidfd_(executor, static_cast<int>(::syscall(SYS_pidfd_open, pid, 0))) {
    hosts().insert(pid);
  }

  ~child_process() override {
    hosts().erase(pid_);
    if (reaped_) return;
    kill();
    ::waitpid(pid_, nullptr, 0);
  }

  void kill() override {
    if (!reaped_) ::syscall(SYS_pidfd_send_signal, pidfd_.native_handle(), SIGKILL, nullptr, 0);
  }

  asio::awaitable<host_ending> ended() override {
    co_await pidfd_.async_wait(asio::posix::stream_descriptor::wait_read, base::as_result);
    int status = 0;
    host_ending ending;
    if (::waitpid(pid_, &status, 0) == pid_) ending = describe_ending(status);
    reaped_ = true;
    hosts().erase(pid_);
    bury_orphans();
    co_return ending;
  }

  pid_t pid() const override { return pid_; }

 private:
  pid_t pid_;
  asio::posix::stream_descriptor pidfd_;
  bool reaped_ = false;
};

}  // namespace

host_ending ending_of(plugin_host::exit_code code) {
  auto number = static_cast<int>(code);
  auto sentence = plugin_host::describe(number);
  host_ending ending{host_ending::kind::died,
                     sentence ? std::string(*sentence) : "exit code " + std::to_string(number)};
  switch (code) {
    case plugin_host::exit_code::stopped: ending.how = host_ending::kind::clean; break;
    case plugin_host::exit_code::misconfigured:
    case plugin_host::exit_code::load_failed:
    case plugin_host::exit_code::refused: ending.how = host_ending::kind::misconfigured; break;
    case plugin_host::exit_code::device_gone: ending.how = host_ending::kind::device_gone; break;
    default: break;
  }
  return ending;
}

result<launched_host> launch_process(asio::any_io_executor executor, const plugin_config& plugin,
                                     const host_settings& settings) {
  auto own_folder = settings.state_folder + "/plugins/" + plugin.name;
  if (auto made = base::make_folders(own_folder); !made) return made.error();
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
    return error{errc::plugin_missing,
                 "no socket for plugin " + plugin.name + ": " + base::errno_text(errno)};
  base::unique_fd ours(ends[0]), theirs(ends[1]);

  std::vector<std::string> words{settings.program, "--instance",   plugin.name,       "--plugin",
                                 plugin.file,      "--allow-path", own_folder + ":rw"};
  for (auto& path : plugin.paths) words.insert(words.end(), {"--allow-path", path});
  words.insert(words.end(), {"--memory-max", std::to_string(plugin.memory_max)});
  if (settings.allow_test_environment) words.emplace_back("--allow-test-environment");
  std::vector<char*> argv;
  for (auto& w : words) argv.push_back(w.data());
  argv.push_back(nullptr);
  // An empty environment: nothing of the daemon's, and no LD_PRELOAD. Named test variables only when asked
  // for.
  std::vector<std::string> kept;
  if (settings.allow_test_environment)
    for (char** one = environ; *one; ++one)
      if (std::string_view(*one).starts_with("TILLD_TEST_") ||
          std::string_view(*one).starts_with("ASAN_OPTIONS=") ||
          std::string_view(*one).starts_with("LSAN_OPTIONS=") ||
          std::string_view(*one).starts_with("UBSAN_OPTIONS="))
        kept.emplace_back(*one);
  std::vector<char*> environment;
  for (auto& one : kept) environment.push_back(one.data());
  environment.push_back(nullptr);

  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, theirs.get(), 3);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t none, all;
  sigemptyset(&none);
  sigfillset(&all);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setsigdefault(&attributes, &all);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  pid_t pid = 0;
  int code =
      ::posix_spawn(&pid, settings.program.c_str(), &actions, &attributes, argv.data(), environment.data());
  posix_spawn_file_actions_destroy(&actions);
  posix_spawnattr_destroy(&attributes);
  if (code != 0)
    return error{errc::plugin_missing, "start " + settings.program + ": " + base::errno_text(code)};

  launched_host launched{asio::local::stream_protocol::socket(executor),
                         std::make_unique<child_process>(executor, pid)};
  launched.socket.assign(asio::local::stream_protocol(), ours.release());
  return launched;
}

}  // namespace tilld::daemon
