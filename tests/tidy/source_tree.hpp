// The tree as the tidy test reads it: every text file of the repository, and for C and C++ the same text with
// its comments and literals blanked out, so that a rule about code does not trip over a sentence.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace tilld::tests {

struct source_file {
  std::string path;  // from the root of the repository
  std::string text;
  std::string code;  // of the same size and with the same lines; empty for other languages

  bool is_code() const;
  bool is_test() const;  // the code of tests: x_test.cpp and what lies below a folder tests
};

source_file make_source(std::string path, std::string text);

// Build folders, hidden folders and binary files are left out.
std::vector<source_file> read_tree(const std::string& root);

// Comments and the contents of literals become spaces, line ends stay.
std::string code_only(std::string_view text);

int line_of(std::string_view text, std::size_t at);

}  // namespace tilld::tests
