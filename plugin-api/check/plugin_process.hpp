// The plugin in a process of its own, in the same host code that a till runs it in: process.hpp and
// runner.hpp of daemon/plugin_host. It is forked and not executed, so that examiner and process share a
// probe.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <optional>
#include <string>

#include "base/file.hpp"
#include "plugin-api/check/probe.hpp"
#include "plugin-api/check/subject.hpp"

namespace tilld::plugin_check {

// How a process ended.
struct ending {
  int code = -1;  // of daemon/plugin_host/exit_code.hpp, or any other; -1 when a signal ended it
  int signal = 0;
  std::string text() const;  // "it died of SIGSEGV", "the device is not there (exit code 84)"
};

class plugin_process {
 public:
  // One instance after the other lives in the process, as many as told; each says hello on the same socket.
  plugin_process(const subject& what, int lives);
  plugin_process(const plugin_process&) = delete;
  ~plugin_process();  // kills it if it is still there

  int socket() const { return socket_.get(); }
  pid_t pid() const { return pid_; }
  probe& seen() { return *probe_; }
  // Waits for its end; nothing when it is still there afterwards.
  std::optional<ending> wait(std::chrono::milliseconds patience);
  void kill();

 private:
  shared_probe probe_;
  base::unique_fd socket_;
  pid_t pid_ = -1;
  std::optional<ending> ended_;
};

}  // namespace tilld::plugin_check
