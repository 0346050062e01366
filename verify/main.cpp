// tilld-verify: are these journals what was once written, and do the till and its servers agree?
//
//   tilld-verify [--key HEX]... [--json] FILE...
//
// Exit codes: 0 everything holds, 1 something was found, 2 wrong usage, 3 a file could not be looked at.
#include <iostream>

#include "verify/files.hpp"
#include "verify/report.hpp"

namespace {

using namespace tilld::verify;

enum exit_code { good = 0, found = 1, wrong_usage = 2, unreadable_file = 3 };

constexpr const char* usage =
    "usage: tilld-verify [--key HEX]... [--json] FILE...\n"
    "  FILE   an export of a till or of a server, or the journal.db of a stopped till\n"
    "  --key  a public key that has a say: of the till, of the ledger, of the witness\n"
    "Exit codes: 0 everything holds, 1 something was found, 2 wrong usage, 3 a file could not be looked "
    "at.\n";

}  // namespace

int main(int argc, char** argv) {
  if (::sodium_init() < 0) return unreadable_file;
  std::vector<std::string> paths;
  std::vector<key> known;
  bool as_json = false;
  for (int i = 1; i < argc; ++i) {
    std::string word = argv[i];
    if (word == "--help") {
      std::cout << usage;
      return good;
    }
    if (word == "--version") {
      std::cout << "tilld-verify " << TILLD_VERSION << "\n";
      return good;
    }
    if (word == "--json") {
      as_json = true;
    } else if (word == "--key") {
      key k;
      if (++i == argc || !read_hex(argv[i], k)) {
        std::cerr << "tilld-verify: --key needs 64 hexadecimal digits\n";
        return wrong_usage;
      }
      known.push_back(k);
    } else if (word.starts_with("-")) {
      std::cerr << "tilld-verify: there is no option " << word << "\n" << usage;
      return wrong_usage;
    } else {
      paths.push_back(std::move(word));
    }
  }
  if (paths.empty()) {
    std::cerr << usage;
    return wrong_usage;
  }
  std::vector<std::unique_ptr<chain>> files;
  for (auto& path : paths) {
    auto read_one = read(path);
    if (read_one.failed) {
      std::cerr << "tilld-verify: " << read_one.failed->why << "\n";
      return unreadable_file;
    }
    files.push_back(std::move(read_one.what));
  }
  auto verdict = judge(files, known);
  std::cout << (as_json ? in_json(verdict, files) : in_words(verdict, files, !known.empty()));
  if (!std::cout.flush()) return unreadable_file;
  return verdict.good() ? good : found;
}
