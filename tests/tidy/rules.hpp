// What the tree promises about itself beyond what a compiler checks. Each rule looks at one file and names
// what it found; tidy_test.cpp shows for each a sample that it must flag and one that it must not.
#pragma once

#include <string>
#include <vector>

#include "tests/tidy/source_tree.hpp"

namespace tilld::tests {

struct finding {
  std::string path;
  int line = 0;
  std::string what;
};

using findings = std::vector<finding>;

// A folder includes only what lies below it: base stands on nothing, wire and central and ctl on base and
// wire, the SDK on itself, the verifier on nothing but itself, a plugin on the SDK and its own folder, the
// daemon on base, wire and the SDK. Tests may use tests/support.
findings wrong_includes(const source_file& file);

// Folders of the daemon that include each other in a circle, however long.
findings circles_in_daemon(const std::vector<source_file>& files);

// Names that say nothing: common, utils, misc, helpers, manager, handler.
findings empty_names(const source_file& file);

// GCC 12 destroys twice what a braced temporary or a capturing lambda inside a co_await expression holds, and
// a capturing lambda written in the call of co_spawn dies before the coroutine that runs in it.
findings coroutine_traps(const source_file& file);

// Boost 1.81's experimental::channel is dead after one cancelled receive.
findings experimental_channels(const source_file& file);

// A test that sleeps is slow on a good day and wrong on a bad one.
findings sleeping_tests(const source_file& file);

// Money is an integer: no float or double on a line with an amount, a price, a balance or money.
findings floating_money(const source_file& file);

// Paths of one machine and addresses of package registries.
findings places_of_one_machine(const source_file& file);

// Notes to oneself.
findings unfinished_notes(const source_file& file);

// Files of code over `size_max` lines.
findings long_files(const source_file& file, int size_max);

// Pages that link to a file or folder of the repository that is not there.
findings broken_links(const source_file& file, const std::vector<source_file>& files);

// A header says first what it is.
findings headers_without_prose(const source_file& file);

}  // namespace tilld::tests
