// Makes a process fit to run foreign code in: what it inherited goes, what it could do with the machine is
// bounded.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "daemon/plugin_host/sandbox.hpp"

namespace tilld::daemon::plugin_host {

// The socket to the daemon has this number.
inline constexpr int daemon_socket = 3;

struct command_line {
  std::string instance;
  std::string plugin;
  std::vector<allowed_path> allowed_paths;
  std::optional<std::uint64_t> memory_max_bytes;
  bool allow_test_environment = false;
};

// invalid_params with a sentence when the arguments make no sense.
base::result<command_line> read_command_line(int argc, const char* const* argv);

// In this order: dies with the daemon (and at once if that is gone already), no core dumps, no debugger of
// the same user, no new privileges, default signal dispositions with SIGPIPE, SIGINT, SIGTERM and SIGHUP
// ignored (the daemon ends its plugins, a Ctrl-C at the terminal does not), standard input from nowhere and
// standard output to standard error, all descriptors closed but 0 to 3, an empty environment (TILLD_TEST_*
// stays if it was allowed), folder / and umask 077, and the limit of memory. Sanitized builds have no such
// limit: they reserve terabytes of addresses.
base::result<> prepare_process(const command_line& how);

}  // namespace tilld::daemon::plugin_host
