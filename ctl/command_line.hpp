// The command line of tillctl: which words there are, and what a mistyped one was meant to be.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "ctl/verbs.hpp"

namespace tilld::ctl {

struct command_line {
  surroundings with;  // socket, timeout and json as given; the rest is the terminal's
  std::function<exit_code(const surroundings&)> verb;
  std::string help;  // asked for instead of a verb
};

// Without the name of the program. wrong_usage says what does not fit, and the nearest word that would.
base::result<command_line> read_command_line(const std::vector<std::string>& words);

// "500ms", "30s", "2min"; a plain number is seconds. 1 ms to 1 day.
base::result<std::chrono::milliseconds> read_duration(std::string_view text);

}  // namespace tilld::ctl
