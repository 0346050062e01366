#include "tests/tidy/rules.hpp"

#include <algorithm>
#include <filesystem>
#include <map>
#include <set>
#include <sstream>

namespace tilld::tests {
namespace {

// Written in two halves where a rule would find itself otherwise.
const std::string note_1 = std::string("TO") + "DO", note_2 = std::string("FIX") + "ME";
const std::vector<std::string> machine_places = {
    std::string("/wo") + "rk/",         std::string("/ho") + "me/",     std::string("/ro") + "ot/",
    std::string("/Us") + "ers/",        std::string("/tmp/") + "build", std::string("pypi.") + "org",
    std::string("registry.") + "npmjs", std::string("crates.") + "io",  std::string("deb.") + "debian",
    std::string("docker.") + "io",      std::string("ghcr.") + "io",    std::string("proxy.") + "golang"};

bool starts_with(std::string_view text, std::string_view with) { return text.substr(0, with.size()) == with; }
bool is_word(char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '_'; }

// Calls back with each place where the word stands by itself.
template <class Found>
void each_word(std::string_view text, std::string_view word, Found found) {
  for (auto at = text.find(word); at != text.npos; at = text.find(word, at + 1)) {
    bool before = at > 0 && is_word(text[at - 1]);
    bool after = at + word.size() < text.size() && is_word(text[at + word.size()]);
    if (!before && !after) found(at);
  }
}

struct included {
  std::string name;
  int line;
  bool quoted;
};

std::vector<included> includes_of(const source_file& file) {
  std::vector<included> all;
  std::istringstream lines(file.text);
  std::string line;
  for (int number = 1; std::getline(lines, line); ++number) {
    if (!starts_with(line, "#include ")) continue;
    auto open = line.find_first_of("\"<");
    auto close = open == line.npos ? open : line.find_first_of("\">", open + 1);
    if (close != line.npos)
      all.push_back({line.substr(open + 1, close - open - 1), number, line[open] == '"'});
  }
  return all;
}

std::string folder_of(std::string_view path) {
  return std::string(path.substr(0, std::min(path.find('/'), path.size())));
}

// "daemon/router" for daemon/router/lane.cpp, "daemon" for daemon/main.cpp.
std::string daemon_folder_of(const std::string& path) {
  auto second = path.find('/', path.find('/') + 1);
  return second == path.npos ? "daemon" : path.substr(0, second);
}

std::size_t skip_space_back(std::string_view code, std::size_t at) {
  while (at > 0 && std::isspace(static_cast<unsigned char>(code[at - 1]))) --at;
  return at;
}

// The word that ends before `at`.
std::string_view word_before(std::string_view code, std::size_t at) {
  auto end = skip_space_back(code, at), begin = end;
  while (begin > 0 && is_word(code[begin - 1])) --begin;
  return code.substr(begin, end - begin);
}

bool is_one_of(char c, std::string_view of) { return of.find(c) != std::string_view::npos; }

char char_before(std::string_view code, std::size_t at) {
  auto end = skip_space_back(code, at);
  return end == 0 ? '\0' : code[end - 1];
}

// Whether the bracket opens a lambda that captures, and is no index, no attribute and no structured binding.
bool opens_capturing_lambda(std::string_view code, std::size_t bracket) {
  if (bracket + 1 < code.size() && is_one_of(code[bracket + 1], "[]")) return false;
  auto word = word_before(code, bracket);
  if (!word.empty()) return word == "return" || word == "co_return" || word == "co_await";
  auto end = skip_space_back(code, bracket);
  if (end > 0 && code[end - 1] == '&' && word_before(code, code.find_last_not_of('&', end - 1) + 1) == "auto")
    return false;
  return is_one_of(char_before(code, bracket), "(,={;?:&|!");
}

// Whether a brace opens a body and not an initialiser.
bool opens_body(std::string_view code, std::size_t brace) {
  static const std::set<std::string_view> words = {"do",       "else",     "try",   "const",
                                                   "noexcept", "override", "final", "mutable"};
  char before = char_before(code, brace);
  if (before == '\0' || is_one_of(before, ";}])")) return true;
  if (is_one_of(before, "(,=?")) return false;
  if (words.count(word_before(code, brace))) return true;
  // The type that a lambda returns stands behind an arrow on the same line.
  auto line_begin = std::min(code.rfind('\n', brace) + 1, brace);
  auto line = code.substr(line_begin, brace - line_begin);
  if (line.rfind("->") != line.npos && line.substr(line.rfind("->")).find_first_of("(,;") == line.npos)
    return true;
  return before == '{' || before == ':';
}

// Where the statement begins that has `at` in it. Brackets that are open there belong to it, bodies do not.
std::size_t begin_of_statement(std::string_view code, std::size_t at) {
  int depth = 0;
  for (auto i = at; i-- > 0;) {
    auto next = code.find_first_not_of(" \n", i + 1);
    bool new_statement = next != code.npos && is_word(code[next]);
    char c = code[i];
    if (is_one_of(c, ")]}")) {
      if (depth == 0 && (c == '}' || c == ')') && new_statement)
        return i + 1;  // the one before, or the head of this one
      ++depth;
    } else if (is_one_of(c, "([{")) {
      if (depth > 0)
        --depth;
      else if (c == '{' && opens_body(code, i))
        return i + 1;
    } else if (c == ';' && depth == 0 && !is_one_of(char_before(code, i), "(")) {
      return i + 1;
    }
  }
  return 0;
}

std::size_t end_of_brackets(std::string_view code, std::size_t open) {
  int depth = 0;
  for (auto i = open; i < code.size(); ++i) {
    if (is_one_of(code[i], "([{")) ++depth;
    if (is_one_of(code[i], ")]}") && --depth == 0) return i + 1;
  }
  return code.size();
}

// Calls back with each bracket and brace of the statement that begins there; the bodies of lambdas are left
// out.
template <class Found>
void each_opening(std::string_view code, std::size_t begin, Found found) {
  auto first = code.find_first_not_of(" \n", begin);
  bool has_head = false;
  for (std::string_view word : {"if", "while", "for", "switch"})
    has_head = has_head || (first != code.npos && code.substr(first, word.size()) == word &&
                            !is_word(code[first + word.size()]));
  int depth = 0;
  for (auto i = begin; i < code.size(); ++i) {
    char c = code[i];
    if (c == ';' && depth == 0) return;
    if (c == '{' && opens_body(code, i)) {
      if (depth == 0 && char_before(code, i) != ']' && has_head) return;
      i = end_of_brackets(code, i) - 1;
      continue;
    }
    if (c == '[' || c == '{') found(i);
    if (is_one_of(c, "([{")) ++depth;
    if (is_one_of(c, ")]}") && (--depth < 0 || (depth == 0 && has_head && c == ')'))) return;
  }
}

}  // namespace

findings wrong_includes(const source_file& file) {
  static const std::map<std::string, std::set<std::string>> below = {
      {"base", {"base"}},
      {"wire", {"wire", "base"}},
      {"plugin-api", {"plugin-api"}},
      {"plugins", {"plugin-api"}},
      {"daemon", {"daemon", "base", "wire", "plugin-api"}},
      {"central", {"central", "base", "wire"}},
      {"ctl", {"ctl", "base", "wire"}},
      // It judges what the others write, so it must not share their mistakes.
      {"verify", {"verify"}},
      // The kit for integrators stands on the host that it examines plugins in, though it is shipped with the
      // interface.
      {"plugin-api/check", {"plugin-api", "daemon", "base", "wire"}},
  };
  findings found;
  auto from = folder_of(file.path);
  if (starts_with(file.path, "plugin-api/check/")) from = "plugin-api/check";
  auto allowed = below.find(from);
  if (!file.is_code() || allowed == below.end()) return found;
  for (auto& include : includes_of(file)) {
    auto to = folder_of(include.name);
    if (!include.quoted) {
      if (to != "tilld") continue;  // the system and the libraries
      to = "plugin-api";
    }
    if (file.is_test() && starts_with(include.name, "tests/support/")) continue;
    if (from == "plugins") {
      auto own = file.path.substr(0, file.path.find('/', 8) + 1);
      if (starts_with(include.name, own)) continue;
    }
    if (include.quoted && include.name.find('/') == std::string::npos)
      found.push_back({file.path, include.line, "include \"" + include.name + "\" must name its folder"});
    else if (!allowed->second.count(to))
      found.push_back({file.path, include.line, from + " must not include " + include.name});
  }
  return found;
}

findings circles_in_daemon(const std::vector<source_file>& files) {
  struct edge {
    std::string path;
    int line;
  };
  std::map<std::string, std::map<std::string, edge>> graph;
  for (auto& file : files) {
    if (!file.is_code() || file.is_test() || !starts_with(file.path, "daemon/")) continue;
    auto from = daemon_folder_of(file.path);
    for (auto& include : includes_of(file)) {
      if (!include.quoted || !starts_with(include.name, "daemon/")) continue;
      if (auto to = daemon_folder_of(include.name); to != from)
        graph[from].try_emplace(to, edge{file.path, include.line});
    }
  }
  findings found;
  std::set<std::string> done;
  std::vector<std::string> path;
  auto visit = [&](auto& self, const std::string& folder) -> void {
    if (auto at = std::find(path.begin(), path.end(), folder); at != path.end()) {
      std::string circle;
      for (auto step = at; step != path.end(); ++step) circle += *step + " -> ";
      auto& closing = graph[path.back()].at(folder);
      found.push_back({closing.path, closing.line, "folders include each other: " + circle + folder});
      return;
    }
    if (done.count(folder)) return;
    path.push_back(folder);
    for (auto& [to, where] : graph[folder]) self(self, to);
    path.pop_back();
    done.insert(folder);
  };
  std::vector<std::string> folders;
  for (auto& [folder, edges] : graph) folders.push_back(folder);
  for (auto& folder : folders) visit(visit, folder);
  return found;
}

findings empty_names(const source_file& file) {
  static const std::set<std::string> empty = {"common",   "util",    "utils",   "utilities",
                                              "misc",     "helper",  "helpers", "manager",
                                              "managers", "handler", "handlers"};
  findings found;
  std::string word;
  for (char c : file.path + "/") {
    if (std::isalpha(static_cast<unsigned char>(c))) {
      word += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
      continue;
    }
    if (empty.count(word)) found.push_back({file.path, 0, "\"" + word + "\" in a name says nothing"});
    word.clear();
  }
  return found;
}

findings coroutine_traps(const source_file& file) {
  findings found;
  std::string_view code = file.code;
  auto note = [&](std::size_t at, const std::string& what) {
    auto line = line_of(code, at);
    auto known = [&](auto& f) { return f.line == line && f.what == what; };
    if (std::none_of(found.begin(), found.end(), known)) found.push_back({file.path, line, what});
  };
  const std::string instead = ": name it first, then std::move it in";
  each_word(code, "co_await", [&](std::size_t at) {
    each_opening(code, begin_of_statement(code, at), [&](std::size_t opening) {
      if (code[opening] == '{') note(opening, "braced temporary in a co_await expression" + instead);
      if (code[opening] == '[' && opens_capturing_lambda(code, opening))
        note(opening, "capturing lambda in a co_await expression" + instead);
    });
  });
  each_word(code, "co_spawn", [&](std::size_t at) {
    auto open = code.find_first_not_of(" \n", at + 8);
    if (open == code.npos || code[open] != '(') return;
    auto end = end_of_brackets(code, open);
    for (auto i = open; i < end; ++i)
      if (code[i] == '[' && opens_capturing_lambda(code, i))
        note(i, "capturing lambda in co_spawn(...)" + instead);
  });
  return found;
}

findings experimental_channels(const source_file& file) {
  findings found;
  if (!file.is_code()) return found;
  for (auto& include : includes_of(file))
    if (include.name.find("experimental/") != include.name.npos &&
        include.name.find("channel") != include.name.npos)
      found.push_back({file.path, include.line, "an experimental channel: use base/async_queue.hpp"});
  for (std::string_view word :
       {"experimental::channel", "experimental::concurrent_channel", "experimental::basic_channel"})
    each_word(file.code, word, [&](std::size_t at) {
      found.push_back(
          {file.path, line_of(file.code, at), "an experimental channel: use base/async_queue.hpp"});
    });
  return found;
}

findings sleeping_tests(const source_file& file) {
  findings found;
  if (!file.is_test()) return found;
  for (std::string_view word :
       {"sleep_for", "sleep_until", "usleep", "nanosleep", "clock_nanosleep", "sleep"})
    each_word(file.code, word, [&](std::size_t at) {
      auto after = file.code.find_first_not_of(" \n", at + word.size());
      if (after == std::string::npos || file.code[after] != '(') return;
      found.push_back(
          {file.path, line_of(file.code, at), "a test sleeps: wait for the condition with a deadline"});
    });
  return found;
}

findings floating_money(const source_file& file) {
  findings found;
  for (std::string_view word : {"float", "double"})
    each_word(file.code, word, [&](std::size_t at) {
      auto begin = file.code.rfind('\n', at);
      begin = begin == std::string::npos ? 0 : begin;
      auto line = file.code.substr(begin, std::min(file.code.find('\n', at), file.code.size()) - begin);
      for (std::string_view value : {"amount", "price", "balance", "money"})
        if (line.find(value) != line.npos) {
          found.push_back(
              {file.path, line_of(file.code, at), "a floating number near \"" + std::string(value) + "\""});
          return;
        }
    });
  return found;
}

findings places_of_one_machine(const source_file& file) {
  findings found;
  for (auto& place : machine_places)
    if (auto at = file.text.find(place); at != std::string::npos)
      found.push_back({file.path, line_of(file.text, at), "\"" + place + "\" belongs to one machine"});
  return found;
}

findings unfinished_notes(const source_file& file) {
  findings found;
  for (auto& note : {note_1, note_2})
    each_word(file.text, note, [&](std::size_t at) {
      found.push_back({file.path, line_of(file.text, at), "a note to oneself: do it or write an issue"});
    });
  return found;
}

findings long_files(const source_file& file, int size_max) {
  auto lines = static_cast<int>(std::count(file.text.begin(), file.text.end(), '\n'));
  if (!file.is_code() || lines <= size_max) return {};
  return {{file.path, lines, "has more than " + std::to_string(size_max) + " lines"}};
}

findings broken_links(const source_file& file, const std::vector<source_file>& files) {
  findings found;
  if (file.path.size() < 3 || file.path.substr(file.path.size() - 3) != ".md") return found;
  auto is_there = [&](const std::string& path) {
    return std::any_of(files.begin(), files.end(), [&](auto& other) {
      return other.path == path || starts_with(other.path, path.back() == '/' ? path : path + "/");
    });
  };
  auto here = std::filesystem::path(file.path).parent_path();
  for (auto at = file.text.find("]("); at != std::string::npos; at = file.text.find("](", at + 2)) {
    auto target = file.text.substr(at + 2, file.text.find_first_of(")\n", at) - at - 2);
    target = target.substr(0, target.find('#'));
    if (target.empty() || target.find(':') != std::string::npos)
      continue;  // within the page, or another site
    auto path = (here / target).lexically_normal().generic_string();
    if (!is_there(path))
      found.push_back({file.path, line_of(file.text, at), "links to " + path + ", which is not there"});
  }
  return found;
}

findings headers_without_prose(const source_file& file) {
  auto dot = file.path.rfind('.');
  auto ending = dot == std::string::npos ? "" : file.path.substr(dot);
  if (ending != ".hpp" && ending != ".h") return {};
  if (starts_with(file.text, "//") || starts_with(file.text, "/*")) return {};
  return {{file.path, 1, "a header begins with a comment that says what it is"}};
}

}  // namespace tilld::tests
