// The programs that are measured: tilld in a folder of its own, the floors, and the peers when they are
// installed. Each is ended by its own id.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tests/bench/load.hpp"
#include "tests/support/shop.hpp"

namespace tilld::bench {

// Empty before and gone after.
class clean_folder {
 public:
  explicit clean_folder(std::string path);
  ~clean_folder();
  clean_folder(const clean_folder&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

std::string bench_program(const std::string& name);  // "tilld-bench-echo-blocking"
// Where an installed program is; empty when it is not.
std::string installed_program(const std::string& name);

// A program that is given the path of its socket, and answers there. Among the arguments "SOCKET" stands for
// that path.
class socket_program {
 public:
  socket_program(const std::string& program, const std::string& folder,
                 std::vector<std::string> arguments = {"SOCKET"});
  const std::string& socket() const { return socket_; }
  tests::process& running() { return running_; }

 private:
  std::string socket_;
  tests::process running_;
};

// redis with a flush before each answer. Nothing when it is not installed.
class redis_server {
 public:
  static std::unique_ptr<redis_server> start(const std::string& folder);
  load_result run(int connections, double seconds);

 private:
  std::string socket_;
  tests::process running_;
  int runs_ = 0;
};

// PostgreSQL as it comes, which flushes before it answers a commit. Nothing when it is not installed or may
// not use the folder.
class postgres_server {
 public:
  static std::unique_ptr<postgres_server> start(const std::string& folder);
  ~postgres_server();
  // One row a transaction; how many transactions a second. Its client counts in whole seconds, one at least.
  static int whole_seconds(double seconds) { return seconds < 1 ? 1 : static_cast<int>(seconds + 0.5); }
  std::optional<double> run(int connections, double seconds);

 private:
  std::vector<std::string> as_its_user(std::vector<std::string> words) const;
  std::string folder_, programs_;
  tests::process running_;
};

// Puts so many sales into a till's state folder with the real store, while no daemon runs on it.
void fill_journal(const std::string& state_folder, std::uint64_t count);

}  // namespace tilld::bench
