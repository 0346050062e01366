#include "tests/docs/page.hpp"

#include <algorithm>
#include <fstream>
#include <set>
#include <sstream>

namespace tilld::tests {
namespace {

namespace json = boost::json;

// Values that no two runs have in common. "role" and "state" are not here on purpose.
const std::set<std::string, std::less<>> volatile_members = {
    "operation_id",  "record_id",  "hash",     "header",        "body",       "recorded_at",
    "unix_ms",       "changed_ms", "since_ms", "oldest_ms",     "at_ms",      "boot",
    "session",       "principal",  "version",  "number",        "sequence",   "head",
    "verified",      "pid",        "detail",   "records",       "started_ms", "happened_ms",
    "clock",         "created_ms", "token",    "authorization", "restarts",   "paths_restricted",
    "clock_trusted", "id",         "claim",    "ends_in_ms",    "holder",     "by"};

// Their values are ids all the same where they are part of a fixed example.
bool is_volatile(std::string_view member, const json::value& shown) {
  if (member == "id")
    return shown.is_string() && !shown.get_string().starts_with("018bcfe5") && shown.get_string() != "coffee";
  return volatile_members.count(member) != 0;
}

constexpr std::string_view more = "…";

std::string trimmed(std::string_view text) {
  auto first = text.find_first_not_of(' ');
  if (first == text.npos) return "";
  return std::string(text.substr(first, text.find_last_not_of(' ') - first + 1));
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

std::string different(const std::string& path, const json::value& shown, const json::value& real) {
  return (path.empty() ? "the whole" : path) + " is " + json::serialize(real) + ", the page shows " +
         json::serialize(shown);
}

std::string compare(const std::string& path, std::string_view member, const json::value& shown,
                    const json::value& real, known_ids& ids);

std::string compare_objects(const std::string& path, const json::object& shown, const json::object& real,
                            known_ids& ids) {
  bool shows_all = true;
  for (auto& [name, value] : shown) {
    if (std::string_view(name) == more) {
      shows_all = false;
      continue;
    }
    auto* there = real.if_contains(name);
    if (!there) return path + "." + std::string(name) + " is missing";
    if (auto d = compare(path + "." + std::string(name), std::string_view(name), value, *there, ids);
        !d.empty())
      return d;
  }
  for (auto& [name, value] : real)
    if (shows_all && !shown.contains(name)) return path + "." + std::string(name) + " is not on the page";
  return "";
}

std::string compare_lists(const std::string& path, std::string_view member, const json::array& shown,
                          const json::array& real, known_ids& ids) {
  bool shows_all =
      shown.empty() || !shown.back().is_string() || std::string_view(shown.back().get_string()) != more;
  auto count = shows_all ? shown.size() : shown.size() - 1;
  if (real.size() < count || (shows_all && real.size() > count))
    return path + " has " + std::to_string(real.size()) + " elements, the page shows " +
           std::to_string(count);
  for (std::size_t i = 0; i < count; ++i)
    if (auto d = compare(path + "." + std::to_string(i), member, shown[i], real[i], ids); !d.empty())
      return d;
  return "";
}

std::string compare(const std::string& path, std::string_view member, const json::value& shown,
                    const json::value& real, known_ids& ids) {
  if (shown.is_object() && real.is_object())
    return compare_objects(path, shown.get_object(), real.get_object(), ids);
  if (shown.is_array() && real.is_array())
    return compare_lists(path, member, shown.get_array(), real.get_array(), ids);
  if (!is_volatile(member, shown)) return shown == real ? "" : different(path, shown, real);
  bool same_type = shown.kind() == real.kind() || (shown.is_number() && real.is_number());
  if (!same_type) return different(path, shown, real);
  if (shown.is_string()) {
    std::string key(shown.get_string()), value(real.get_string());
    // Shown twice as the same it must be the same twice.
    if (auto [at, fresh] = ids.emplace(key, value); !fresh && at->second != value && key.size() >= 8 &&
                                                    member != "detail" && member != "token" &&
                                                    member != "principal")
      return different(path, shown, real) + " for what was " + at->second + " before";
  }
  return "";
}

}  // namespace

std::string read_page(const std::string& path) {
  std::ifstream in(std::string(TILLD_SOURCE_DIR) + "/" + path);
  std::stringstream all;
  all << in.rdbuf();
  return all.str();
}

std::vector<fenced_block> fenced_blocks(const std::string& page) {
  std::vector<fenced_block> blocks;
  bool inside = false;
  int number = 0;
  for (auto& line : lines_of(page)) {
    ++number;
    if (line.starts_with("```")) {
      if (!inside) blocks.push_back({line.substr(3), number, {}});
      inside = !inside;
    } else if (inside) {
      blocks.back().lines.push_back(line);
    }
  }
  return blocks;
}

std::vector<std::vector<std::string>> table_rows(const std::string& page, const std::string& heading) {
  std::vector<std::vector<std::string>> rows;
  bool inside = false;
  auto level = heading.substr(0, heading.find(' ') + 1);
  for (auto& line : lines_of(page)) {
    if (line == heading)
      inside = true;
    else if (inside && line.starts_with(level))
      break;
    if (!inside || !line.starts_with("|") || line.find("---") != line.npos) continue;
    std::vector<std::string> cells;
    std::istringstream in(line.substr(1));
    for (std::string cell; std::getline(in, cell, '|');) cells.push_back(trimmed(cell));
    rows.push_back(cells);
  }
  return rows;
}

std::vector<std::string> code_words(std::string_view text) {
  std::vector<std::string> words;
  for (auto at = text.find('`'); at != text.npos;) {
    auto end = text.find('`', at + 1);
    if (end == text.npos) break;
    words.emplace_back(text.substr(at + 1, end - at - 1));
    at = text.find('`', end + 1);
  }
  return words;
}

std::vector<dialogue_line> dialogue(const fenced_block& block) {
  std::vector<dialogue_line> all;
  int number = block.line;
  for (auto& line : block.lines) {
    ++number;
    if (line.starts_with("> ")) all.push_back({dialogue_line::by::till, line.substr(2), number});
    if (line.starts_with("< ")) all.push_back({dialogue_line::by::daemon, line.substr(2), number});
    if (line.starts_with("  ") && !all.empty()) all.back().text += line.substr(2);
  }
  return all;
}

std::string difference(const json::value& shown, const json::value& real, known_ids& ids) {
  return compare("", "", shown, real, ids);
}

std::string with_real_ids(std::string text, const known_ids& ids) {
  for (auto& [shown, real] : ids) {
    auto from = "\"" + shown + "\"", to = "\"" + real + "\"";
    for (auto at = text.find(from); shown.size() >= 8 && at != text.npos;
         at = text.find(from, at + to.size()))
      text.replace(at, from.size(), to);
  }
  return text;
}

}  // namespace tilld::tests
