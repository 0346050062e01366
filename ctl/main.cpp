// tillctl: looks at a till and mends it. command_line.cpp has the words, verbs.hpp what each of them does.
#include <unistd.h>

#include <csignal>
#include <exception>
#include <string>
#include <vector>

#include "ctl/command_line.hpp"

namespace {

using namespace tilld;

int run(const std::vector<std::string>& words) {
  ctl::surroundings around;
  around.on_terminal = ::isatty(STDOUT_FILENO) == 1;
  around.out.colour = ctl::wants_colour(around.on_terminal);
  around.err.colour = ctl::wants_colour(::isatty(STDERR_FILENO) == 1);
  around.language = ctl::language_of_user();
  auto line = ctl::read_command_line(words);
  if (!line) {
    for (auto& word : words) around.json |= word == "--json";
    return static_cast<int>(ctl::fail(around, ctl::complaint(line.error(), around.language)));
  }
  if (!line->verb) return static_cast<int>(ctl::say(line->help));
  around.socket = line->with.socket;
  around.timeout = line->with.timeout;
  around.json = line->with.json;
  return static_cast<int>(line->verb(around));
}

}  // namespace

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);
  try {
    return run(std::vector<std::string>(argv + 1, argv + argc));
  } catch (const std::exception& bug) {
    ctl::remark(std::string("tillctl: a bug, please report it: ") + bug.what() + "\n");
    return static_cast<int>(ctl::exit_code::failed);
  }
}
