// A real till-central process with a folder of its own, and what a test asks it: ports, HTTP, its memory, its
// end.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <boost/json/value.hpp>

#include "base/crypto.hpp"
#include "base/file.hpp"
#include "base/step.hpp"
#include "tests/support/scratch.hpp"

namespace tilld::tests {

using deadline_clock = std::chrono::steady_clock;
// Long enough for a machine that is busy with other things; no test passes by reaching it.
inline constexpr std::chrono::seconds patience{60};

struct listed_till {
  base::public_key key{};
  int epoch = 1;
};

struct finished {
  int code = -1;       // exit code, or 128 + signal
  std::string output;  // both streams
};

struct http_reply {
  int status = 0;  // 0: no answer
  std::string head;
  std::string body;
  boost::json::value json() const;
};

class central_program {
 public:
  explicit central_program(std::string role = "ledger");
  ~central_program();
  central_program(const central_program&) = delete;

  std::map<std::string, listed_till> tills;
  std::string more_yaml;  // any other top-level keys
  void write_config();

  // Starts it and waits until it says READY. False when it ended instead; output() has its words.
  bool start();
  void kill();  // SIGKILL, and waits
  int stop();   // SIGTERM, and waits; the exit code
  bool running() const { return pid_ > 0; }
  pid_t pid() const { return pid_; }
  // What it said to the service manager so far, newest last.
  std::vector<std::string> notifications();
  std::string output() const;

  // A command on the same configuration, to its end.
  finished command(std::vector<std::string> arguments);

  std::uint16_t sync_port() const { return sync_port_; }
  std::uint16_t http_port() const { return http_port_; }
  std::string token() const;
  http_reply get(const std::string& path) { return ask("GET", path, ""); }
  http_reply ask(const std::string& method, const std::string& path, const std::string& body);
  http_reply raw_http(const std::string& octets) const;

  std::string file(const std::string& name) const { return folder_.file(name); }
  std::string config_path() const { return file("central.yaml"); }
  std::string database() const { return file("central.db"); }

  // Orders it to stop itself when it reaches the step for the n-th time; takes effect at once.
  void stop_at(base::step s, std::uint32_t after = 0);
  std::uint32_t times_stopped() const;

  // Resident memory in octets.
  std::size_t memory() const;

 private:
  pid_t spawn(const std::vector<std::string>& arguments, const std::string& output_path, bool notify) const;

  scratch_folder folder_;
  std::string role_;
  std::uint16_t sync_port_ = 0;
  std::uint16_t http_port_ = 0;
  pid_t pid_ = -1;
  base::unique_fd notify_;
  std::vector<std::string> notifications_;
  std::uint32_t* steps_ = nullptr;
};

std::uint16_t free_port();
std::string slurp(const std::string& path);

}  // namespace tilld::tests
