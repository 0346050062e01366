// docs/plugin-guide.md, typed line by line. mission: D11
#include <gtest/gtest.h>

#include <algorithm>
#include <regex>
#include <set>

#include "tests/docs/page.hpp"
#include "tests/sdk/terminal_session.hpp"
#include "tests/support/scratch.hpp"

namespace tilld::tests {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;

constexpr const char* page = "docs/plugin-guide.md";
constexpr const char* elsewhere = "second terminal";

// The blocks from one heading to another.
std::vector<fenced_block> blocks_between(const std::string& from, const std::string& to) {
  auto text = read_page(page);
  auto begin = text.find(from), end = text.find(to);
  EXPECT_TRUE(begin != text.npos && end != text.npos && begin < end);
  auto first = static_cast<int>(std::count(text.begin(), text.begin() + static_cast<long>(begin), '\n'));
  auto last = static_cast<int>(std::count(text.begin(), text.begin() + static_cast<long>(end), '\n'));
  std::vector<fenced_block> some;
  for (auto& block : fenced_blocks(text))
    if (block.line > first && block.line <= last) some.push_back(block);
  return some;
}

// A person who looks again when something is not there yet, and scans again when nobody has noticed.
class reader_of_the_guide {
 public:
  explicit reader_of_the_guide(const std::string& home)
      : here_(home, TILLD_SOURCE_DIR), there_(home, TILLD_SOURCE_DIR) {}

  void follow(const std::vector<fenced_block>& blocks) {
    for (std::size_t i = 0; i < blocks.size(); ++i) {
      SCOPED_TRACE(std::string(page) + ":" + std::to_string(blocks[i].line));
      auto& block = blocks[i];
      bool second = block.language.ends_with(elsewhere);
      if (block.language.starts_with("text")) {
        second ? see_there(block.lines) : see_here(block.lines);
      } else if (second) {
        there_.type(block.lines);
      } else {
        last_ = as_typed_here(block.lines);
        bool looks =
            last_.size() == 1 && last_[0].starts_with("tillctl plugins") && !last_[0].ends_with("counter");
        here_.forget();
        if (!here_.run(last_, seconds(300)) && !looks) FAIL() << here_.output();
      }
      if (testing::Test::HasFatalFailure()) return;
      ++typed_;
    }
  }
  int typed() const { return typed_; }

 private:
  // What this test installs is the build that it belongs to.
  static std::vector<std::string> as_typed_here(std::vector<std::string> lines) {
    for (auto& line : lines)
      if (line.starts_with("./dev install "))
        line = std::string(TILLD_CMAKE) + " --install " TILLD_BUILD_FOLDER " --prefix " + line.substr(14) +
               " > /dev/null";
    return lines;
  }

  void see_here(const std::vector<std::string>& expected) {
    bool looking = last_.size() == 1 && last_[0].starts_with("tillctl plugins");
    for (auto until = steady_clock::now() + seconds(30); !shows(here_.output(), expected);) {
      ASSERT_TRUE(looking && steady_clock::now() < until) << here_.output();
      ASSERT_TRUE(here_.listen(milliseconds(100)));
      here_.forget();
      here_.run(last_, seconds(30));
    }
  }

  void see_there(const std::vector<std::string>& expected) {
    for (auto until = steady_clock::now() + seconds(30); !shows(there_.output(), expected);) {
      ASSERT_TRUE(there_.listen(milliseconds(1000))) << there_.output();
      ASSERT_LT(steady_clock::now(), until) << there_.output();
      // Perhaps nobody watched yet when it was scanned.
      if (!shows(there_.output(), expected)) here_.run(last_, seconds(10));
    }
    there_.forget();
  }

  terminal_session here_, there_;
  std::vector<std::string> last_;
  int typed_ = 0;
};

TEST(plugin_guide, leads_from_an_empty_folder_to_the_first_event_in_cpp_and_in_c) {
  scratch_folder home;
  reader_of_the_guide reader(home.path());
  reader.follow(blocks_between("## From an empty folder to the first event", "### Into a shop"));
  EXPECT_GT(reader.typed(), 30);
}

TEST(plugin_guide, shows_the_driver_that_new_plugin_makes) {
  auto driver = read_page("plugin-api/template/c++/scanner/driver.cpp");
  for (auto at = driver.find("com.example.my-device"); at != driver.npos;
       at = driver.find("com.example.my-device"))
    driver.replace(at, 21, "com.example.scanner");
  std::string shown;
  for (auto& block : blocks_between("## The driver, line by line", "## What a driver can do"))
    if (block.language == "cpp")
      for (auto& line : block.lines) shown += line + "\n";
  EXPECT_EQ(shown, driver);
}

TEST(plugin_guide, explains_every_word_of_a_script) {
  auto code = read_page("plugin-api/replay/script.cpp");
  std::set<std::string> words, explained;
  std::regex entry(R"re(\{"([^"]+)", verb::)re");
  for (std::sregex_iterator at(code.begin(), code.end(), entry), end; at != end; ++at) words.insert((*at)[1]);
  ASSERT_GT(words.size(), 12u);
  for (auto& row : table_rows(read_page(page), "## Recorded scripts"))
    if (!row.empty() && row[0].starts_with("`"))
      explained.insert(row[0].substr(1, row[0].find_first_of(" `", 1) - 1));
  EXPECT_EQ(explained, words);
}

TEST(terminal_lines, may_have_gaps_and_must_be_in_order) {
  EXPECT_TRUE(shows("a\nx 12 y\nb\n", {"x … y", "b"}));
  EXPECT_TRUE(shows("made\n", {"…", "made", "…"}));
  EXPECT_FALSE(shows("b\na\n", {"a", "b"}));
  EXPECT_FALSE(shows("x 12\n", {"x … y"}));
  EXPECT_FALSE(shows("", {"a"}));
}

}  // namespace
}  // namespace tilld::tests
