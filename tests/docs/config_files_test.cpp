// The configuration files that are shipped, and the pages and files that speak of the code by name.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <regex>
#include <set>

#include "tests/docs/page.hpp"
#include "tests/support/process.hpp"
#include "tests/support/scratch.hpp"
#include "tests/support/shop.hpp"

namespace tilld::tests {
namespace {

namespace fs = std::filesystem;

std::string source(const std::string& path) { return std::string(TILLD_SOURCE_DIR) + "/" + path; }

// What `tilld --check-config` says, "" when it finds nothing.
std::string complaint_about(const std::string& file) {
  scratch_folder folder;
  process check(program_path("tilld"), {{"--config", file, "--check-config"}, {}, folder.file("said")});
  if (check.wait(std::chrono::seconds(20)) == 0) return "";
  std::ifstream said(folder.file("said"));
  return std::string(std::istreambuf_iterator<char>(said), {}) + "(no exit code 0)";
}

// With every key that is commented out ("#key:", without a space) put in; remarks have a space behind the
// mark.
std::string everything_put_in(const std::string& text) {
  return std::regex_replace(text, std::regex(R"((^|\n)( *)#(?=[^ \n#]))"), "$1$2");
}

void put(const std::string& path, const std::string& text) { std::ofstream(path) << text; }

TEST(config_file, is_accepted_as_it_is_shipped) {
  EXPECT_EQ(complaint_about(source("config/tilld.yaml")), "");
}

TEST(config_file, is_accepted_with_everything_that_it_offers_put_in) {
  scratch_folder folder;
  auto text = read_page("config/tilld.yaml");
  auto full = everything_put_in(text);
  EXPECT_NE(full, text);
  put(folder.file("tilld.yaml"), full);
  EXPECT_EQ(complaint_about(folder.file("tilld.yaml")), "") << full;
}

TEST(config_file, would_be_refused_with_a_mistyped_key) {
  scratch_folder folder;
  put(folder.file("tilld.yaml"), read_page("config/tilld.yaml") + "\nlanguag: de\n");
  EXPECT_NE(complaint_about(folder.file("tilld.yaml")).find("did you mean \"language\""), std::string::npos);
}

TEST(config_file, has_examples_that_are_accepted) {
  int checked = 0;
  for (auto& entry : fs::directory_iterator(source("config/examples"))) {
    auto name = entry.path().filename().string();
    if (!name.starts_with("tilld-")) continue;
    EXPECT_EQ(complaint_about(entry.path().string()), "") << name;
    ++checked;
  }
  EXPECT_GE(checked, 3);
}

// The keys that the reader knows, from the reader itself.
std::set<std::string> known_keys() {
  std::set<std::string> keys;
  auto code = read_page("daemon/config/config.cpp");
  std::regex map(R"(\bmap\(\{([^}]*)\}\))"), word(R"re("([a-z_]+)")re");
  for (std::sregex_iterator at(code.begin(), code.end(), map), end; at != end; ++at) {
    std::string words = (*at)[1];
    for (std::sregex_iterator one(words.begin(), words.end(), word); one != end; ++one)
      keys.insert((*one)[1]);
  }
  return keys;
}

TEST(config_file, has_a_sentence_on_every_key_that_is_read) {
  auto keys = known_keys();
  ASSERT_GT(keys.size(), 18u);
  auto text = read_page("config/tilld.yaml"), page = read_page("docs/configuration.md");
  for (auto& key : keys) {
    EXPECT_TRUE(std::regex_search(text, std::regex("(^|[\\n {,#-])" + key + ":")))
        << "config/tilld.yaml lacks " << key;
    EXPECT_TRUE(std::regex_search(page, std::regex("`([a-z_.]+\\.)?" + key + "`")))
        << "docs/configuration.md lacks " << key;
  }
}

TEST(config_page, has_yaml_that_is_accepted) {
  scratch_folder folder;
  int checked = 0;
  for (auto& block : fenced_blocks(read_page("docs/configuration.md"))) {
    if (block.language != "yaml") continue;
    std::string text;
    for (auto& line : block.lines) text += line + "\n";
    // A block that shows one part stands for a file that has the rest as well.
    if (text.find("till:") == std::string::npos)
      text = "till: {id: till-1, branch: main, merchant: demo}\n" + text;
    put(folder.file("tilld.yaml"), text);
    EXPECT_EQ(complaint_about(folder.file("tilld.yaml")), "") << "docs/configuration.md:" << block.line;
    ++checked;
  }
  EXPECT_GT(checked, 3);
}

TEST(pages, name_only_files_that_exist) {
  for (auto name : {"docs/life-of-a-sale.md", "docs/protocol.md", "docs/configuration.md",
                    "docs/operating.md", "docs/export-format.md"}) {
    int named = 0;
    for (auto& word : code_words(std::regex_replace(read_page(name), std::regex("```[^`]*```"), ""))) {
      if (!std::regex_match(
              word,
              std::regex(
                  R"((base|wire|daemon|plugin-api|plugins|central|ctl|config|tests|docs|systemd)/[\w./-]+)")))
        continue;
      EXPECT_TRUE(fs::exists(source(word))) << name << " names " << word;
      ++named;
    }
    if (std::string_view(name) == "docs/life-of-a-sale.md") {
      EXPECT_GT(named, 20);
    }
  }
}

}  // namespace
}  // namespace tilld::tests
