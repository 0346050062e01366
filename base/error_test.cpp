#include "base/error.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <set>
#include <sstream>
#include <string>

#include "base/file.hpp"

using namespace tilld::base;

namespace {

bool contains_word(std::string_view text, std::string_view word) {
  auto lower = [](std::string_view from) {
    std::string to(from);
    std::transform(to.begin(), to.end(), to.begin(), [](unsigned char c) { return std::tolower(c); });
    return to;
  };
  return lower(text).find(lower(word)) != std::string::npos;
}

bool is_sentence(std::string_view text) {
  return text.size() > 3 && (text.back() == '.' || text.back() == '?') && text.find("  ") == text.npos;
}

std::string output_of(const std::string& program) {
  std::string out;
  auto* pipe = ::popen(("'" + program + "'").c_str(), "r");
  if (!pipe) return out;
  std::array<char, 4096> chunk;
  while (auto n = std::fread(chunk.data(), 1, chunk.size(), pipe)) out.append(chunk.data(), n);
  return ::pclose(pipe) == 0 ? out : std::string();
}

// The first line that is not the same, as it stands in the second text.
std::string first_difference(const std::string& a, const std::string& b) {
  std::istringstream from_a(a), from_b(b);
  for (std::string in_a, in_b;;) {
    bool more_a = static_cast<bool>(std::getline(from_a, in_a)),
         more_b = static_cast<bool>(std::getline(from_b, in_b));
    if (!more_a && !more_b) return a == b ? "" : "the end of the last line";
    if (more_a != more_b || in_a != in_b) return more_b ? in_b : "more than " + in_a;
  }
}

}  // namespace

TEST(error_registry, gives_each_number_and_each_kind_to_one_error_only) {
  std::set<int> numbers;
  std::set<std::string_view> kinds;
  for (auto& e : error_registry()) {
    EXPECT_TRUE(numbers.insert(static_cast<int>(e.code)).second) << e.kind;
    EXPECT_TRUE(kinds.insert(e.kind).second) << e.kind;
  }
  EXPECT_GE(numbers.size(), 50u);
}

TEST(error_registry, keeps_its_numbers_in_the_bands_that_the_protocol_promises) {
  for (auto& e : error_registry()) {
    int n = static_cast<int>(e.code);
    bool json_rpc = n == -32700 || (n <= -32600 && n >= -32603) || n == -32800;
    EXPECT_TRUE(json_rpc || (n <= -32010 && n >= -32199)) << e.kind << " " << n;
  }
}

TEST(error_registry, speaks_both_languages_and_gives_a_hint) {
  for (auto& e : error_registry()) {
    EXPECT_TRUE(is_sentence(e.english)) << e.kind << ": " << e.english;
    EXPECT_TRUE(is_sentence(e.german)) << e.kind << ": " << e.german;
    EXPECT_NE(e.english, e.german) << e.kind;
    EXPECT_GT(e.hint.size(), 10u) << e.kind;
    EXPECT_EQ(e.sentence(language::english), e.english);
    EXPECT_EQ(e.sentence(language::german), e.german);
  }
}

// What tillctl says of its own accord, from -32100 on, is said to IT staff only.
TEST(error_registry, names_no_product_and_no_file_to_a_cashier) {
  for (auto& e : error_registry()) {
    if (int n = static_cast<int>(e.code); n <= -32100 && n > -32200) continue;
    for (auto sentence : {e.english, e.german})
      for (auto word :
           {"tilld", "tillctl", "central.", "sqlite", "plugin", "json", "yaml", "socket", "daemon", "/", "_"})
        EXPECT_FALSE(contains_word(sentence, word)) << e.kind << ": " << sentence;
  }
}

TEST(error_registry, writes_kinds_as_lower_case_words) {
  for (auto& e : error_registry())
    EXPECT_EQ(e.kind.find_first_not_of("abcdefghijklmnopqrstuvwxyz_"), e.kind.npos) << e.kind;
}

TEST(error_registry, keeps_its_documentation_page_up_to_date) {
  auto page = read_file(TILLD_SOURCE_DIR "/docs/errors.md");
  ASSERT_TRUE(page) << page.error().detail;
  auto printed = output_of(TILLD_ERROR_PAGE);
  ASSERT_FALSE(printed.empty());
  EXPECT_EQ(first_difference(std::string(as_text(*page)), printed), "")
      << "print it again: tilld-error-page > docs/errors.md";
  for (auto& e : error_registry())
    EXPECT_NE(printed.find("`" + std::string(e.kind) + "`"), printed.npos) << e.kind;
}

TEST(error, is_found_by_kind_and_by_number) {
  ASSERT_NE(find_error("paper_out"), nullptr);
  EXPECT_EQ(find_error("paper_out")->code, errc::paper_out);
  ASSERT_NE(find_error(-32045), nullptr);
  EXPECT_EQ(find_error(-32045)->kind, "paper_out");
  EXPECT_EQ(find_error("paper_in"), nullptr);
  EXPECT_EQ(find_error(-1), nullptr);
}

TEST(error, is_described_as_internal_when_nobody_registered_it) {
  EXPECT_EQ(describe(static_cast<errc>(7)).code, errc::internal);
  EXPECT_EQ(describe(errc::storage_full).kind, "storage_full");
}

TEST(error, is_one_line_for_people_at_a_terminal) {
  EXPECT_EQ(to_string(error{errc::no_device, "printer"}), "no_device: printer");
  EXPECT_EQ(to_string(error{errc::no_device, ""}), "no_device");
}

TEST(result, of_a_failure_throws_where_somebody_takes_its_value) {
  result<int> failed = error{errc::busy, "too much"};
  EXPECT_THROW((void)failed.value(), std::logic_error);
  result<int> good = 4;
  EXPECT_EQ(good.value(), 4);
}
