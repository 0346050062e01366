#include "tests/tidy/source_tree.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>

namespace tilld::tests {
namespace {

bool ends_with(std::string_view text, std::string_view end) {
  return text.size() >= end.size() && text.substr(text.size() - end.size()) == end;
}

bool is_word(char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '_'; }

// The end of the raw string whose R stands at `at`, or npos.
std::size_t end_of_raw_string(std::string_view text, std::size_t at) {
  auto open = text.find('(', at);
  if (open == text.npos || open - at > 20) return text.npos;
  auto closing = ")" + std::string(text.substr(at + 2, open - at - 2)) + "\"";
  auto end = text.find(closing, open);
  return end == text.npos ? text.size() : end + closing.size();
}

std::size_t end_of_literal(std::string_view text, std::size_t at) {
  for (auto i = at + 1; i < text.size() && text[i] != '\n'; ++i) {
    if (text[i] == '\\')
      ++i;
    else if (text[i] == text[at])
      return i + 1;
  }
  return at + 1;
}

}  // namespace

bool source_file::is_code() const {
  return ends_with(path, ".cpp") || ends_with(path, ".hpp") || ends_with(path, ".c") || ends_with(path, ".h");
}

bool source_file::is_test() const {
  return ends_with(path, "_test.cpp") || path.rfind("tests/", 0) == 0 || path.find("/tests/") != path.npos;
}

source_file make_source(std::string path, std::string text) {
  source_file made{std::move(path), std::move(text), {}};
  if (made.is_code()) made.code = code_only(made.text);
  return made;
}

std::vector<source_file> read_tree(const std::string& root) {
  namespace fs = std::filesystem;
  std::vector<source_file> files;
  for (fs::recursive_directory_iterator at(root, fs::directory_options::skip_permission_denied), end;
       at != end; ++at) {
    auto name = at->path().filename().string();
    if (at->is_directory()) {
      bool hidden = name.front() == '.' && name != ".ci";
      if (hidden || name.rfind("build", 0) == 0 || name == "node_modules") at.disable_recursion_pending();
      continue;
    }
    if (name == ".git") continue;  // in a further work tree of git it is a file
    if (!at->is_regular_file() || at->is_symlink() || at->file_size() > (2 << 20)) continue;
    std::ifstream in(at->path(), std::ios::binary);
    std::string text(std::istreambuf_iterator<char>(in), {});
    if (text.find('\0') != text.npos) continue;
    files.push_back(make_source(fs::relative(at->path(), root).generic_string(), std::move(text)));
  }
  std::sort(files.begin(), files.end(), [](auto& a, auto& b) { return a.path < b.path; });
  return files;
}

std::string code_only(std::string_view text) {
  std::string code(text);
  auto blank = [&](std::size_t from, std::size_t to) {
    for (auto i = from; i < std::min(to, code.size()); ++i)
      if (code[i] != '\n') code[i] = ' ';
  };
  std::size_t i = 0;
  while (i < text.size()) {
    auto two = text.substr(i, 2);
    std::size_t end = 0;
    if (two == "//") {
      end = std::min(text.find('\n', i), text.size());
      blank(i, end);
    } else if (two == "/*") {
      end = text.find("*/", i + 2);
      end = end == text.npos ? text.size() : end + 2;
      blank(i, end);
    } else if (two == "R\"" && (i == 0 || !is_word(text[i - 1])) && end_of_raw_string(text, i) != text.npos) {
      end = end_of_raw_string(text, i);
      blank(i + 2, end - 1);
    } else if (text[i] == '"' || (text[i] == '\'' && (i == 0 || !is_word(text[i - 1])))) {
      end = end_of_literal(text, i);
      blank(i + 1, end - 1);
    } else {
      end = i + 1;
    }
    i = end;
  }
  return code;
}

int line_of(std::string_view text, std::size_t at) {
  return 1 + static_cast<int>(std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(at), '\n'));
}

}  // namespace tilld::tests
