#include "tests/support/process.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <set>
#include <string_view>
#include <utility>

extern char** environ;

namespace tilld::tests {
namespace {

// Processes that run now. std::exit() destroys no local object, but it does destroy this: a test that gives
// up leaves nothing behind.
class running_processes {
 public:
  ~running_processes() {
    for (auto pid : pids_) ::kill(pid, SIGKILL);
  }
  void add(pid_t pid) {
    std::lock_guard lock(guard_);
    pids_.insert(pid);
  }
  void remove(pid_t pid) {
    std::lock_guard lock(guard_);
    pids_.erase(pid);
  }

 private:
  std::mutex guard_;
  std::set<pid_t> pids_;
};

running_processes& running() {
  static running_processes all;
  return all;
}

// A descriptor of a process tells that it ended, and not that it stopped; for that we look again after so
// long.
constexpr int look_again_ms = 2;

int exit_number(int status) { return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status); }

// Returns when the process ended, and after a short while anyway.
void wait_for_news_of(pid_t pid) {
  int fd = static_cast<int>(::syscall(SYS_pidfd_open, pid, 0));
  pollfd news{fd, POLLIN, 0};
  ::poll(&news, 1, look_again_ms);
  ::close(fd);
}

}  // namespace

process::process(const std::string& program, const how& h) {
  std::vector<std::string> words{program};
  words.insert(words.end(), h.arguments.begin(), h.arguments.end());
  auto kept = h.environment;
  for (char** one = environ; *one; ++one)
    for (auto name :
         {"PATH=", "ASAN_OPTIONS=", "LSAN_OPTIONS=", "UBSAN_OPTIONS=", "TSAN_OPTIONS=", "HOME=", "TMPDIR="})
      if (std::string_view(*one).starts_with(name)) kept.emplace_back(*one);
  std::vector<char*> argv, envp;
  for (auto& w : words) argv.push_back(w.data());
  for (auto& e : kept) envp.push_back(e.data());
  argv.push_back(nullptr);
  envp.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  if (!h.log.empty()) {
    posix_spawn_file_actions_addopen(&actions, 1, h.log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0644);
    posix_spawn_file_actions_adddup2(&actions, 1, 2);
  }
  // What the test blocks for itself must still reach the program.
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t nothing;
  ::sigemptyset(&nothing);
  posix_spawnattr_setsigmask(&attributes, &nothing);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
  int code = ::posix_spawn(&pid_, program.c_str(), &actions, &attributes, argv.data(), envp.data());
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  if (code != 0) {
    std::fprintf(stderr, "cannot start %s: %s\n", program.c_str(), std::strerror(code));
    std::exit(2);
  }
  tests::running().add(pid_);
}

process::process(process&& other) noexcept : pid_(std::exchange(other.pid_, -1)) {}

process& process::operator=(process&& other) noexcept {
  if (this != &other) {
    kill();
    pid_ = std::exchange(other.pid_, -1);
  }
  return *this;
}

process::~process() { kill(); }

void process::signal(int number) const {
  if (pid_ > 0) ::kill(pid_, number);
}

std::optional<int> process::wait(std::chrono::milliseconds at_most) {
  auto until = std::chrono::steady_clock::now() + at_most;
  while (pid_ > 0) {
    int status = 0;
    if (::waitpid(pid_, &status, WNOHANG) == pid_) {
      forget();
      return exit_number(status);
    }
    if (std::chrono::steady_clock::now() >= until) return std::nullopt;
    wait_for_news_of(pid_);
  }
  return std::nullopt;
}

bool process::wait_stopped(std::chrono::milliseconds at_most) {
  auto until = std::chrono::steady_clock::now() + at_most;
  while (pid_ > 0) {
    int status = 0;
    if (::waitpid(pid_, &status, WNOHANG | WUNTRACED) == pid_) {
      if (WIFSTOPPED(status)) return true;
      forget();
      return false;
    }
    if (std::chrono::steady_clock::now() >= until) return false;
    wait_for_news_of(pid_);
  }
  return false;
}

void process::kill() {
  if (pid_ <= 0) return;
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
  forget();
}

std::vector<std::string> preloading(const std::string& library) {
  // It comes before the sanitizers' own, which they would mind.
  const char* given = std::getenv("ASAN_OPTIONS");
  return {"LD_PRELOAD=" + library,
          "ASAN_OPTIONS=verify_asan_link_order=0" + (given ? ":" + std::string(given) : "")};
}

void process::forget() { tests::running().remove(std::exchange(pid_, -1)); }

}  // namespace tilld::tests
