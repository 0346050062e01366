// A person at a shell: types a block, reads what comes back.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <string>
#include <vector>

namespace tilld::tests {

class terminal_session {
 public:
  using milliseconds = std::chrono::milliseconds;

  // bash in this folder, with this home; nothing else of the environment but PATH and the sanitizers'
  // options.
  terminal_session(const std::string& home, const std::string& folder);
  ~terminal_session();  // ends bash and everything that was started in it
  terminal_session(const terminal_session&) = delete;

  // Types the lines and waits for the end of them. False when a command failed or nothing happened for so
  // long. The output stays to be read.
  bool run(const std::vector<std::string>& lines, milliseconds at_most);
  // Types the lines and goes on.
  void type(const std::vector<std::string>& lines);

  // What came since the last forget().
  const std::string& output() const { return output_; }
  void forget() { output_.clear(); }
  // Reads what comes for a while; false when the shell has ended.
  bool listen(milliseconds at_most);

 private:
  pid_t pid_ = -1;
  int in_ = -1, out_ = -1;
  int blocks_ = 0;
  std::string home_, output_;
};

// Whether the output shows these lines in this order, other lines between them allowed. "…" stands for
// anything.
bool shows(const std::string& output, const std::vector<std::string>& lines);

}  // namespace tilld::tests
