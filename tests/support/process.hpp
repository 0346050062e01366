// A program that a test started: it is ended by its own id and never outlives the test.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <optional>
#include <string>
#include <vector>

namespace tilld::tests {

// The environment in which a program loads this library before all others.
std::vector<std::string> preloading(const std::string& library);

class process {
 public:
  struct how {
    std::vector<std::string> arguments;
    std::vector<std::string> environment;  // "NAME=value", beside PATH and the sanitizers' options
    std::string log;                       // file that gets stdout and stderr; empty keeps them
  };

  process() = default;
  // Ends the test program with a message when the program cannot be started.
  process(const std::string& program, const how& h);
  process(process&& other) noexcept;
  process& operator=(process&& other) noexcept;
  ~process();  // SIGKILL and reap; std::exit() kills what still runs as well

  pid_t id() const { return pid_; }
  bool running() const { return pid_ > 0; }
  void signal(int number) const;
  // Exit code, or 128 + signal; nothing when it still runs at the deadline.
  std::optional<int> wait(std::chrono::milliseconds at_most);
  // True when it stopped itself (SIGSTOP) before the deadline; false when it ended or ran on.
  bool wait_stopped(std::chrono::milliseconds at_most);
  // SIGKILL and reap.
  void kill();

 private:
  void forget();  // it is reaped

  pid_t pid_ = -1;
};

}  // namespace tilld::tests
