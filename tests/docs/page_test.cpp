// The reader of pages must see what is wrong, else a page could rot behind a green test.
#include "tests/docs/page.hpp"

#include <gtest/gtest.h>

namespace tilld::tests {
namespace {

std::string compared(const std::string& shown, const std::string& real) {
  known_ids ids;
  return difference(boost::json::parse(shown), boost::json::parse(real), ids);
}

TEST(page, sees_every_way_in_which_an_answer_differs_from_the_page) {
  EXPECT_EQ(compared(R"({"a":1,"b":[1,{"c":"x"}]})", R"({"b":[1,{"c":"x"}],"a":1})"), "");
  EXPECT_EQ(compared(R"({"a":1})", R"({"a":2})"), ".a is 2, the page shows 1");
  EXPECT_EQ(compared(R"({"a":1})", R"({})"), ".a is missing");
  EXPECT_EQ(compared(R"({"a":1})", R"({"a":1,"b":1})"), ".b is not on the page");
  EXPECT_EQ(compared(R"({"a":[1]})", R"({"a":[1,2]})"), ".a has 2 elements, the page shows 1");
  EXPECT_EQ(compared(R"({"a":{"b":"x"}})", R"({"a":[]})"), R"(.a is [], the page shows {"b":"x"})");
  EXPECT_EQ(compared(R"({"kind":"busy"})", R"({"kind":"declined"})"),
            R"(.kind is "declined", the page shows "busy")");
}

TEST(page, lets_ids_and_times_differ_but_not_their_type) {
  EXPECT_EQ(compared(R"({"hash":"aa","unix_ms":1})", R"({"hash":"bb","unix_ms":2})"), "");
  EXPECT_NE(compared(R"({"hash":"aa"})", R"({"hash":7})"), "");
  EXPECT_NE(compared(R"({"unix_ms":1})", R"({"unix_ms":"1"})"), "");
  EXPECT_NE(compared(R"({"id":1})", R"({"id":2})"), "") << "the id of a request";
}

TEST(page, expects_what_is_shown_twice_to_be_the_same_twice) {
  EXPECT_EQ(compared(R"([{"hash":"aaaaaaaa"},{"hash":"aaaaaaaa"}])",
                     R"([{"hash":"bbbbbbbb"},{"hash":"bbbbbbbb"}])"),
            "");
  EXPECT_NE(compared(R"([{"hash":"aaaaaaaa"},{"hash":"aaaaaaaa"}])",
                     R"([{"hash":"bbbbbbbb"},{"hash":"cccccccc"}])"),
            "");
}

TEST(page, takes_an_ellipsis_for_more_of_the_same) {
  EXPECT_EQ(compared(R"({"a":1,"…":"…"})", R"({"a":1,"b":2})"), "");
  EXPECT_NE(compared(R"({"a":1,"…":"…"})", R"({"a":2,"b":2})"), "");
  EXPECT_EQ(compared(R"(["a","…"])", R"(["a","b","c"])"), "");
  EXPECT_NE(compared(R"(["a","…"])", R"([])"), "");
}

TEST(page, reads_dialogues_tables_and_words) {
  std::string text =
      "# T\n## One\n```rpc admin\n> {\"a\":\n  1}\n# remark\n< {}\n```\n| `x`, `y` | yes |\n| --- | --- |\n| "
      "z | - |\n## Two\n| no | no |\n";
  auto blocks = fenced_blocks(text);
  ASSERT_EQ(blocks.size(), 1u);
  EXPECT_EQ(blocks[0].language, "rpc admin");
  auto lines = dialogue(blocks[0]);
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_EQ(lines[0].text, "{\"a\":1}");
  EXPECT_EQ(lines[1].line, 7);
  auto rows = table_rows(text, "## One");
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(rows[1], (std::vector<std::string>{"z", "-"}));
  EXPECT_EQ(code_words(rows[0][0]), (std::vector<std::string>{"x", "y"}));
}

TEST(page, sends_the_real_id_where_the_page_shows_its_own) {
  known_ids ids;
  EXPECT_EQ(difference(boost::json::parse(R"({"operation_id":"01a20042"})"),
                       boost::json::parse(R"({"operation_id":"0ffffff0"})"), ids),
            "");
  EXPECT_EQ(with_real_ids(R"({"x":"01a20042"})", ids), R"({"x":"0ffffff0"})");
}

}  // namespace
}  // namespace tilld::tests
