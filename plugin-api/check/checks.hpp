// The checks, one function each. They leave by finding.hpp's fail() and skip(); what they return is a note on
// what was seen. Each runs in a process of its own, talks to plugins in further ones, and has a bounded time.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "plugin-api/check/subject.hpp"

namespace tilld::plugin_check {

struct check {
  int number;
  const char* name;   // for machines: "one_symbol"
  const char* title;  // for people: "exports tilld_plugin_v1 and nothing else"
  // What must hold before it makes sense.
  enum class needs { file, loaded, started } before;
  std::string (*run)(const subject& what);
  int seconds_max;
};

std::span<const check> all_checks();

// Words that may be asked for with a right body: all but those that make a real device act.
std::vector<const word*> askable(const subject& what);

// checks_of_file.cpp
std::string check_symbols(const subject& what);
std::string check_loading(const subject& what);
std::string check_descriptor(const subject& what);
std::string check_scan_time(const subject& what);
std::string check_configuration(const subject& what);

// checks_of_messages.cpp
std::string check_unknown_words(const subject& what);
std::string check_wrong_bodies(const subject& what);
std::string check_unknown_members(const subject& what);
std::string check_random_bodies(const subject& what);
std::string check_blobs(const subject& what);
std::string check_repetition(const subject& what);
std::string check_schemas(const subject& what);

// checks_of_life.cpp
std::string check_many_lives(const subject& what);
std::string check_stop_while_pending(const subject& what);
std::string check_cancel(const subject& what);
std::string check_threads(const subject& what);
std::string check_manners(const subject& what);
std::string check_vanishing_device(const subject& what);
std::string check_turned_clock(const subject& what);

}  // namespace tilld::plugin_check
