// Runs tillctl to its end and keeps what it said.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include <boost/json/object.hpp>

namespace tilld::tests {

struct said {
  int code = -1;  // -1: it did not end in time and was killed
  std::string out, err;
  // stdout as one line of JSON; ends the test with a failure when it is not that.
  boost::json::object json() const;
};

struct run_how {
  std::string input;                     // standard input
  std::vector<std::string> environment;  // beside PATH, LC_ALL=C and the sanitizers' options
  bool on_terminal = false;              // stdout is a terminal
  std::optional<unsigned> user;          // run as this user; only root can
};

said run_tillctl(const std::vector<std::string>& words, const run_how& how = {});

}  // namespace tilld::tests
