// What docs/protocol.md says about HTTP: its statuses are those of the code, and its shell lines do what they
// promise.
#include <gtest/gtest.h>

#include <fstream>
#include <regex>
#include <set>

#include "tests/docs/page.hpp"
#include "tests/support/process.hpp"
#include "tests/support/scratch.hpp"
#include "tests/support/shop.hpp"

namespace tilld::tests {
namespace {

std::set<int> numbers_in(const std::string& text, const std::regex& where) {
  std::set<int> all;
  for (std::sregex_iterator at(text.begin(), text.end(), where), end; at != end; ++at)
    all.insert(std::stoi((*at)[1]));
  return all;
}

// The lines of the sh blocks that have this word, with the shop's own socket, port and token in them.
std::vector<std::string> shell_lines(const std::string& word, const shop& s, const std::string& token) {
  std::vector<std::string> all;
  for (auto& block : fenced_blocks(read_page("docs/protocol.md"))) {
    if (block.language != "sh") continue;
    for (auto line : block.lines) {
      if (line.find(word) == line.npos || line.ends_with("|")) continue;
      line = std::regex_replace(line, std::regex("/run/tilld/tilld.sock"), s.socket());
      line =
          std::regex_replace(line, std::regex("127.0.0.1:7701"), "127.0.0.1:" + std::to_string(s.http_port));
      line = std::regex_replace(line, std::regex("\\$TOKEN"), token);
      all.push_back(line);
    }
  }
  return all;
}

}  // namespace

TEST(http_page, has_every_status_of_a_refusal_and_no_other) {
  auto checks = read_page("daemon/server/http_checks.cpp"), head = read_page("wire/http_head.cpp"),
       session = read_page("daemon/server/http_session.cpp"), door = read_page("daemon/server/listener.cpp");
  std::set<int> in_code;
  for (auto& text : {checks, head, session, door})
    in_code.merge(numbers_in(
        text, std::regex(R"((?:refused\(|http_fault\{|[^_]bad\(|reply = \{|[a-z_]+\{|\? )([45]\d\d)\b)")));
  in_code.insert(400);  // bad() has it by itself
  std::set<int> on_page;
  for (auto& row : table_rows(read_page("docs/protocol.md"), "## HTTP"))
    on_page.merge(numbers_in(row[0], std::regex(R"((\d\d\d))")));
  EXPECT_GT(on_page.size(), 15u);
  EXPECT_EQ(on_page, in_code);
}

TEST(http_page, has_shell_lines_that_work) {
  scratch_folder folder;
  shop s(folder.path());
  s.http_port = free_port();
  s.start_till();
  auto made = s.connect(true).call("token.add", {{"role", "till"}});
  ASSERT_TRUE(made);
  auto token = std::string(made->at("result").at("token").as_string());
  int run = 0;
  for (std::string word : {"socat", "curl"})
    for (auto& line : shell_lines(word, s, token)) {
      if (line.find("@-") != line.npos || line.find("POST") != line.npos) continue;
      if (line.find("ping") == line.npos) continue;
      auto said = folder.file("said");
      process shell("/bin/sh", {{"-c", line}, {}, said});
      EXPECT_EQ(shell.wait(std::chrono::seconds(20)), 0) << line;
      std::ifstream in(said);
      std::string text(std::istreambuf_iterator<char>(in), {});
      EXPECT_NE(text.find("\"result\":{\"unix_ms\":"), text.npos) << line << "\n" << text;
      ++run;
    }
  EXPECT_EQ(run, 3);
  s.stop_till();
}

}  // namespace tilld::tests
