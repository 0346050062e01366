#include "tests/ctl/tillctl_run.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>

#include <boost/json.hpp>

#include "base/file.hpp"
#include "tests/support/scratch.hpp"
#include "tests/support/shop.hpp"

namespace tilld::tests {
namespace {

constexpr auto time_max = std::chrono::seconds(30);

std::string content(const std::string& path) {
  auto octets = base::read_file(path);
  return octets ? std::string(base::as_text(*octets)) : "";
}

std::vector<std::string> environment_of(const run_how& how) {
  std::vector<std::string> all{"LC_ALL=C", "TERM=xterm"};
  for (auto name : {"PATH", "ASAN_OPTIONS", "LSAN_OPTIONS", "UBSAN_OPTIONS", "TMPDIR"})
    if (auto* value = std::getenv(name)) all.push_back(std::string(name) + "=" + value);
  // The last one with a name wins in getenv of the C library only when the first is not there.
  for (auto& one : how.environment) {
    std::erase_if(all, [&](auto& other) { return other.starts_with(one.substr(0, one.find('=') + 1)); });
    all.push_back(one);
  }
  return all;
}

std::vector<char*> pointers(std::vector<std::string>& words) {
  std::vector<char*> all;
  for (auto& word : words) all.push_back(word.data());
  all.push_back(nullptr);
  return all;
}

}  // namespace

boost::json::object said::json() const {
  boost::system::error_code failed;
  auto value = boost::json::parse(out, failed);
  bool one_line = !out.empty() && out.find('\n') == out.size() - 1;
  EXPECT_TRUE(!failed && value.is_object() && one_line) << "not a line of JSON: " << out << err;
  return !failed && value.is_object() ? value.as_object() : boost::json::object();
}

said run_tillctl(const std::vector<std::string>& words, const run_how& how) {
  scratch_folder folder;
  auto in_path = folder.file("in"), out_path = folder.file("out"), err_path = folder.file("err");
  (void)base::write_file_durably(in_path, base::as_bytes(how.input));
  base::unique_fd in(::open(in_path.c_str(), O_RDONLY | O_CLOEXEC));
  base::unique_fd out(::open(out_path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
  base::unique_fd err(::open(err_path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
  base::unique_fd terminal, terminal_inside;
  if (how.on_terminal) {
    int outside = -1, inside = -1;
    if (::openpty(&outside, &inside, nullptr, nullptr, nullptr) != 0) give_up("no terminal");
    terminal.reset(outside);
    terminal_inside.reset(inside);
  }
  std::vector<std::string> arguments{program_path("tillctl")};
  arguments.insert(arguments.end(), words.begin(), words.end());
  auto variables = environment_of(how);
  auto argv = pointers(arguments), envp = pointers(variables);
  auto pid = ::fork();
  if (pid == 0) {
    ::dup2(in.get(), 0);
    ::dup2(how.on_terminal ? terminal_inside.get() : out.get(), 1);
    ::dup2(err.get(), 2);
    if (how.user && (::setgid(*how.user) != 0 || ::setuid(*how.user) != 0)) ::_exit(126);
    ::execve(argv[0], argv.data(), envp.data());
    ::_exit(127);
  }
  terminal_inside.reset();

  said result;
  std::string shown;
  auto until = std::chrono::steady_clock::now() + time_max;
  for (bool ended = false; !ended;) {
    int status = 0;
    ended = ::waitpid(pid, &status, WNOHANG) == pid;
    if (ended) result.code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    if (!ended && std::chrono::steady_clock::now() > until) {
      ::kill(pid, SIGKILL);
      ::waitpid(pid, &status, 0);
      break;
    }
    // What stands on the terminal is taken as it comes; without one this only passes a moment.
    pollfd news{how.on_terminal ? terminal.get() : -1, POLLIN, 0};
    while (::poll(&news, 1, ended ? 0 : 2) > 0 && (news.revents & POLLIN)) {
      char chunk[4096];
      auto n = ::read(terminal.get(), chunk, sizeof chunk);
      if (n <= 0) break;
      shown.append(chunk, static_cast<std::size_t>(n));
    }
  }
  result.out = how.on_terminal ? shown : content(out_path);
  result.err = content(err_path);
  return result;
}

}  // namespace tilld::tests
