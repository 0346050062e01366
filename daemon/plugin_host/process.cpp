#include "daemon/plugin_host/process.hpp"

#include <fcntl.h>
#include <malloc.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <string_view>

#include "base/file.hpp"

namespace tilld::daemon::plugin_host {

namespace {

base::error wrong(std::string what) { return {base::errc::invalid_params, std::move(what)}; }

base::error failed(const char* what) {
  return {base::errc::internal, std::string(what) + ": " + base::errno_text(errno)};
}

allowed_path read_allowed_path(std::string_view text) {
  constexpr std::string_view mark = ":rw";
  const bool writable = text.size() > mark.size() && text.ends_with(mark);
  if (writable) text.remove_suffix(mark.size());
  return {std::string(text), writable};
}

void keep_only_test_environment(bool allowed) {
  std::vector<std::string> kept;
  for (char** entry = environ; allowed && entry && *entry; ++entry)
    if (std::string_view(*entry).starts_with("TILLD_TEST_")) kept.emplace_back(*entry);
  ::clearenv();
  for (const auto& entry : kept) {
    const auto equals = entry.find('=');
    ::setenv(entry.substr(0, equals).c_str(), entry.substr(equals + 1).c_str(), 1);
  }
}

void reset_signals() {
  struct sigaction by_default {};
  by_default.sa_handler = SIG_DFL;
  for (int number = 1; number < NSIG; ++number) ::sigaction(number, &by_default, nullptr);
  struct sigaction ignored {};
  ignored.sa_handler = SIG_IGN;
  for (int number : {SIGPIPE, SIGINT, SIGTERM, SIGHUP}) ::sigaction(number, &ignored, nullptr);
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

bool tidy_descriptors() {
  // Takes the lowest free number: one of the first three where the daemon left it empty.
  const int nowhere = ::open("/dev/null", O_RDWR);
  if (nowhere < 0 || ::dup2(nowhere, STDIN_FILENO) < 0) return false;
  if (::fcntl(STDERR_FILENO, F_GETFD) < 0 && ::dup2(nowhere, STDERR_FILENO) < 0) return false;
  if (::dup2(STDERR_FILENO, STDOUT_FILENO) < 0) return false;
  if (nowhere == daemon_socket || ::fcntl(daemon_socket, F_SETFD, FD_CLOEXEC) < 0) return false;
  return ::syscall(SYS_close_range, daemon_socket + 1, ~0U, 0) == 0;
}

}  // namespace

base::result<command_line> read_command_line(int argc, const char* const* argv) {
  command_line line;
  for (int i = 1; i < argc; ++i) {
    const std::string_view option = argv[i];
    if (option == "--allow-test-environment") {
      line.allow_test_environment = true;
      continue;
    }
    if (option != "--instance" && option != "--plugin" && option != "--allow-path" &&
        option != "--memory-max")
      return wrong("unknown option " + std::string(option));
    if (++i == argc) return wrong(std::string(option) + " needs a value");
    const std::string_view value = argv[i];
    if (option == "--instance") line.instance = value;
    if (option == "--plugin") line.plugin = value;
    if (option == "--allow-path") line.allowed_paths.push_back(read_allowed_path(value));
    if (option != "--memory-max") continue;
    std::uint64_t bytes = 0;
    const auto [end, bad] = std::from_chars(value.data(), value.data() + value.size(), bytes);
    if (bad != std::errc() || end != value.data() + value.size() || bytes == 0)
      return wrong("--memory-max needs a number of bytes");
    line.memory_max_bytes = bytes;
  }
  if (line.instance.empty() || line.plugin.empty()) return wrong("--instance and --plugin are needed");
  return line;
}

base::result<> prepare_process(const command_line& how) {
  const auto daemon = ::getppid();
  if (::prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) return failed("cannot be tied to the daemon");
  if (::getppid() != daemon) ::_exit(0);  // the daemon died before it could be noticed
  const rlimit no_core{0, 0};
  if (::setrlimit(RLIMIT_CORE, &no_core) != 0) return failed("cannot forbid core dumps");
  if (::prctl(PR_SET_DUMPABLE, 0) != 0) return failed("cannot forbid core dumps");
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return failed("cannot give up privileges");
  reset_signals();
  if (!tidy_descriptors()) return failed("cannot tidy descriptors (the daemon's socket must be number 3)");
  keep_only_test_environment(how.allow_test_environment);
  if (::chdir("/") != 0) return failed("cannot go to /");
  ::umask(077);
  // One heap for all threads: each further one would reserve 64 MiB of the addresses that memory_max_bytes
  // counts.
  ::mallopt(M_ARENA_MAX, 1);
#ifndef TILLD_SANITIZED
  if (how.memory_max_bytes) {
    const rlimit memory{*how.memory_max_bytes, *how.memory_max_bytes};
    if (::setrlimit(RLIMIT_AS, &memory) != 0) return failed("cannot limit memory");
  }
#endif
  return {};
}

}  // namespace tilld::daemon::plugin_host
