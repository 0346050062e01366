#include "tests/sdk/terminal_session.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>

#include "tests/support/shop.hpp"

namespace tilld::tests {

using std::chrono::steady_clock;

terminal_session::terminal_session(const std::string& home, const std::string& folder) : home_(home) {
  int in[2], out[2];
  if (::pipe2(in, O_CLOEXEC) != 0 || ::pipe2(out, O_CLOEXEC) != 0) give_up("no pipe");
  std::vector<std::string> environment = {"HOME=" + home, "LC_ALL=C.UTF-8"};
  for (auto name : {"PATH", "ASAN_OPTIONS", "LSAN_OPTIONS", "UBSAN_OPTIONS", "TSAN_OPTIONS"})
    if (auto* value = std::getenv(name)) environment.push_back(std::string(name) + "=" + value);
  std::vector<char*> pointers;
  for (auto& one : environment) pointers.push_back(one.data());
  pointers.push_back(nullptr);
  pid_ = ::fork();
  if (pid_ == 0) {
    ::setpgid(0, 0);  // so that all of it can be ended together
    ::dup2(in[0], 0);
    ::dup2(out[1], 1);
    ::dup2(out[1], 2);
    if (::chdir(folder.c_str()) != 0) ::_exit(126);
    ::execle("/bin/bash", "bash", "--norc", "--noprofile", static_cast<char*>(nullptr), pointers.data());
    ::_exit(127);
  }
  ::setpgid(pid_, pid_);
  ::close(in[0]);
  ::close(out[1]);
  in_ = in[1];
  out_ = out[0];
}

terminal_session::~terminal_session() {
  ::close(in_);
  if (pid_ > 0) {
    ::kill(-pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  ::close(out_);
}

void terminal_session::type(const std::vector<std::string>& lines) {
  std::string text;
  for (auto& line : lines) text += line + "\n";
  for (std::string_view rest = text; !rest.empty();) {
    auto n = ::write(in_, rest.data(), rest.size());
    if (n <= 0) return;
    rest.remove_prefix(static_cast<std::size_t>(n));
  }
}

bool terminal_session::listen(milliseconds at_most) {
  pollfd one{out_, POLLIN, 0};
  if (::poll(&one, 1, static_cast<int>(at_most.count())) <= 0) return true;
  char chunk[4096];
  auto n = ::read(out_, chunk, sizeof chunk);
  if (n <= 0) return false;
  output_.append(chunk, static_cast<std::size_t>(n));
  return true;
}

bool terminal_session::run(const std::vector<std::string>& lines, milliseconds at_most) {
  // In a file, so that every command in it counts and not only the last one.
  auto number = std::to_string(++blocks_);
  auto file = home_ + "/typed-" + std::to_string(pid_) + "-" + number;
  {
    std::ofstream out(file);
    out << "set -E\ntrap 'typed_wrong=1' ERR\ntyped_wrong=0\n";
    for (auto& line : lines) out << line << "\n";
    out << "trap - ERR\n";
  }
  type({". " + file + "; echo \"@@" + number + " $typed_wrong@@\""});
  const auto done = "@@" + number + " ";
  for (auto until = steady_clock::now() + at_most; steady_clock::now() < until;) {
    if (auto at = output_.find(done);
        at != output_.npos && output_.find("@@", at + done.size()) != output_.npos) {
      bool fine = output_[at + done.size()] == '0';
      output_.erase(at);
      return fine;
    }
    if (!listen(milliseconds(50))) return false;
  }
  return false;
}

namespace {

// "…" in the pattern is anything.
bool line_fits(std::string_view pattern, std::string_view line) {
  constexpr std::string_view anything = "…";
  auto at = pattern.find(anything);
  if (at == pattern.npos) return pattern == line;
  if (line.substr(0, at) != pattern.substr(0, at)) return false;
  auto rest = pattern.substr(at + anything.size());
  for (std::size_t from = at; from <= line.size(); ++from)
    if (line_fits(rest, line.substr(from))) return true;
  return false;
}

}  // namespace

bool shows(const std::string& output, const std::vector<std::string>& lines) {
  std::size_t expected = 0, at = 0;
  while (expected < lines.size() && at <= output.size()) {
    if (lines[expected] == "…") {
      ++expected;
      continue;
    }
    auto end = std::min(output.find('\n', at), output.size());
    auto line = std::string_view(output).substr(at, end - at);
    if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
    if (line_fits(lines[expected], line)) ++expected;
    at = end + 1;
  }
  return expected == lines.size();
}

}  // namespace tilld::tests
