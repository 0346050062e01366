// Pages as tests read them: fenced blocks, tables, and the dialogues of docs/protocol.md.
//
// A block ```rpc is one connection. "> " is a line that the till sends, "< " one that comes back; two spaces
// continue the line before, exactly there; "# " is a remark. What comes back must look like what the page
// shows: the same members with the same values, but for those that differ from run to run (ids, hashes, times
// ...), of which only the type counts. A member or an element "…" stands for more of them. An id that the
// page shows stands for the real one wherever the page sends it later.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json.hpp>

namespace tilld::tests {

struct fenced_block {
  std::string language;  // what stands behind the fence: "rpc admin"
  int line = 0;          // of the fence
  std::vector<std::string> lines;
};

std::string read_page(const std::string& path);  // below the repository
std::vector<fenced_block> fenced_blocks(const std::string& page);

// The rows of all tables below this heading, up to the next of the same level; cells without their outer
// spaces.
std::vector<std::vector<std::string>> table_rows(const std::string& page, const std::string& heading);
// What stands in `backticks`.
std::vector<std::string> code_words(std::string_view text);

struct dialogue_line {
  enum class by { till, daemon } said = by::till;
  std::string text;
  int line = 0;
};
std::vector<dialogue_line> dialogue(const fenced_block& block);

// Real values for those that the page shows.
using known_ids = std::map<std::string, std::string>;

// What is different, with its path; empty when `real` looks like `shown`. Remembers ids.
std::string difference(const boost::json::value& shown, const boost::json::value& real, known_ids& ids);

// The line of the page with real ids in it.
std::string with_real_ids(std::string text, const known_ids& ids);

}  // namespace tilld::tests
