#include "base/yaml.hpp"

#include <gtest/gtest.h>

#include <fstream>

#include <boost/json.hpp>

#include "tests/support/scratch.hpp"

using namespace tilld::base;

namespace {

yaml_value parse(const std::string& text) {
  auto value = yaml_value::parse(text, "tilld.yaml");
  EXPECT_TRUE(value) << value.error().detail;
  return *value;
}

std::string refusal(const std::string& text) {
  auto value = yaml_value::parse(text, "tilld.yaml");
  if (value) return "accepted";
  EXPECT_EQ(value.error().code, errc::config_unreadable);
  return value.error().detail;
}

// The first complaint about a document whose top level knows these keys.
error complaint(const std::string& text) {
  auto whole = parse(text).map({"till", "listen", "plugins"});
  EXPECT_FALSE(whole) << text;
  return whole ? error{} : whole.error();
}

std::string json(const std::string& text) {
  auto value = parse(text).json();
  return value ? boost::json::serialize(*value) : "refused: " + value.error().detail;
}

bool starts_with(const std::string& text, const std::string& with) {
  return text.compare(0, with.size(), with) == 0;
}

}  // namespace

TEST(yaml, reads_what_it_was_asked_for) {
  auto whole = parse("till: {id: till-1}\nlisten:\n  - 7700\n  - off\n").map({"till", "listen", "plugins"});
  ASSERT_TRUE(whole);
  auto till = whole->need("till")->map({"id"});
  ASSERT_TRUE(till);
  EXPECT_EQ(*till->need("id")->text(), "till-1");
  EXPECT_EQ(till->need("id")->key_path(), "till.id");
  auto list = whole->need("listen")->list();
  ASSERT_TRUE(list);
  ASSERT_EQ(list->size(), 2u);
  EXPECT_EQ(*(*list)[0].integer(1, 65535), 7700);
  EXPECT_EQ(*(*list)[1].text(), "off");
  EXPECT_EQ((*list)[1].key_path(), "listen[1]");
  EXPECT_FALSE(whole->find("plugins"));
}

TEST(yaml, takes_an_empty_file_for_a_map_without_keys) {
  for (auto text : {"", "# nothing yet\n", "---\n"}) {
    auto whole = parse(text).map({"till"});
    ASSERT_TRUE(whole) << text;
    EXPECT_FALSE(whole->find("till"));
    auto missing = whole->need("till");
    ASSERT_FALSE(missing);
    EXPECT_EQ(missing.error().code, errc::config_wrong_value);
    EXPECT_NE(missing.error().detail.find("\"till\" is missing"), std::string::npos);
  }
}

TEST(yaml, names_the_nearest_key_with_file_line_and_column_when_a_key_is_unknown) {
  auto e = complaint("till: {id: a}\n  # a comment\nplugin: []\n");
  EXPECT_EQ(e.code, errc::config_unknown_key);
  EXPECT_EQ(e.detail, "tilld.yaml:3:1: unknown key \"plugin\", did you mean \"plugins\"?");
  EXPECT_EQ(complaint("colour: red\n").detail, "tilld.yaml:1:1: unknown key \"colour\"");
  auto inner = parse("till:\n  idd: x\n").map({"till"})->need("till")->map({"id", "branch"});
  ASSERT_FALSE(inner);
  EXPECT_EQ(inner.error().detail, "tilld.yaml:2:3: till: unknown key \"idd\", did you mean \"id\"?");
}

TEST(yaml, refuses_a_key_that_stands_there_twice) {
  auto e = complaint("till: 1\nlisten: 2\ntill: 3\n");
  EXPECT_EQ(e.code, errc::config_wrong_value);
  EXPECT_EQ(e.detail, "tilld.yaml:3:1: the key \"till\" stands there twice");
  EXPECT_NE(json("a: {b: 1, b: 2}").find("twice"), std::string::npos) << json("a: {b: 1, b: 2}");
}

TEST(yaml, refuses_keys_that_are_not_texts) {
  EXPECT_EQ(complaint("[a, b]: 1\n").code, errc::config_wrong_value);
  EXPECT_EQ(complaint("{a: 1}: 1\n").code, errc::config_wrong_value);
  EXPECT_TRUE(starts_with(json("[a]: 1"), "refused")) << json("[a]: 1");
}

TEST(yaml, says_what_it_expected_where_the_type_is_wrong) {
  auto at = [](const std::string& text) { return *parse(text).map({"v"})->find("v"); };
  EXPECT_EQ(at("v: [1]\n").text().error().detail, "tilld.yaml:1:4: v: expected a text");
  EXPECT_EQ(at("v: x\n").list().error().detail, "tilld.yaml:1:4: v: expected a list");
  EXPECT_EQ(at("v: x\n").map({}).error().detail, "tilld.yaml:1:4: v: expected keys and values");
  EXPECT_EQ(at("v: yes\n").boolean().error().detail, "tilld.yaml:1:4: v: expected true or false");
  EXPECT_EQ(at("v: x\n").integer(1, 9).error().detail,
            "tilld.yaml:1:4: v: expected a whole number from 1 to 9");
  EXPECT_EQ(at("v: proces\n").one_of({"process", "none"}).error().detail,
            "tilld.yaml:1:4: v: expected one of: process, none (did you mean process?)");
  for (auto* wrong : {"0", "10", "1.5", "1e0", "0x5", "5 5", "99999999999999999999", "[5]", "''"})
    EXPECT_FALSE(at(std::string("v: ") + wrong + "\n").integer(1, 9)) << wrong;
  for (auto* wrong : {"True", "on", "1", "[true]"})
    EXPECT_FALSE(at(std::string("v: ") + wrong + "\n").boolean()) << wrong;
  EXPECT_EQ(*at("v: 1\n").integer(1, 9), 1);
  EXPECT_EQ(*at("v: 9\n").integer(1, 9), 9);
  EXPECT_EQ(*at("v: -3\n").integer(-9, 9), -3);
  EXPECT_TRUE(*at("v: true\n").boolean());
  EXPECT_FALSE(*at("v: false\n").boolean());
  EXPECT_EQ(*at("v: none\n").one_of({"process", "none"}), "none");
}

TEST(yaml, takes_an_empty_value_for_an_absent_one) {
  auto whole = parse("till:\nlisten: ~\nplugins: ''\n").map({"till", "listen", "plugins"});
  ASSERT_TRUE(whole);
  EXPECT_FALSE(whole->find("till"));
  EXPECT_FALSE(whole->find("listen"));
  EXPECT_TRUE(whole->find("plugins")) << "an empty text is a value";
}

TEST(yaml, says_where_a_document_stops_being_yaml) {
  EXPECT_TRUE(starts_with(refusal("a: 1\nb: [1, 2\n"), "tilld.yaml:3:")) << refusal("a: 1\nb: [1, 2\n");
  EXPECT_TRUE(starts_with(refusal("a: \"x"), "tilld.yaml:1:")) << refusal("a: \"x");
  EXPECT_TRUE(starts_with(refusal("a: 1\n\tb: 2\n"), "tilld.yaml:2:")) << refusal("a: 1\n\tb: 2\n");
  EXPECT_NE(refusal("listen:\n\ttcp: x\n").find("indented by spaces only"), std::string::npos);
  EXPECT_TRUE(starts_with(refusal("a: *nobody\n"), "tilld.yaml:1:")) << refusal("a: *nobody\n");
}

TEST(yaml, says_where_a_document_stops_being_utf_8) {
  EXPECT_EQ(refusal("a: 1\nb: M\xfcller\n"), "tilld.yaml:2:5: is not UTF-8");
  for (auto* wrong : {"\xc0\x80", "\xe0\x80\x80", "\xed\xa0\x80", "\xf0\x80\x80\x80", "\xf4\x90\x80\x80",
                      "\xf5\x80\x80\x80", "\x80", "\xe2\x82", "\xff\xfe"})
    EXPECT_EQ(refusal(std::string("a: ") + wrong), "tilld.yaml:1:4: is not UTF-8");
  EXPECT_EQ(json("\xef\xbb\xbf"
                 "a: \xc3\xbc\xe2\x82\xac\xf0\x9f\x98\x80\n"),
            "{\"a\":\"\xc3\xbc\xe2\x82\xac\xf0\x9f\x98\x80\"}");
}

TEST(yaml, refuses_a_second_document_instead_of_ignoring_it) {
  EXPECT_NE(refusal("a: 1\n---\nb: 2\n").find("one document"), std::string::npos)
      << refusal("a: 1\n---\nb: 2\n");
}

TEST(yaml, refuses_a_file_that_is_missing_or_too_large) {
  tilld::tests::scratch_folder folder;
  EXPECT_EQ(yaml_value::load(folder.file("tilld.yaml")).error().code, errc::config_unreadable);
  std::ofstream(folder.file("large.yaml")) << "# " << std::string((1 << 20) - 1, 'x');
  EXPECT_EQ(yaml_value::load(folder.file("large.yaml")).error().code, errc::config_unreadable);
  std::ofstream(folder.file("good.yaml")) << "a: 1\nb: [\n  x, y]\n";
  auto good = yaml_value::load(folder.file("good.yaml"));
  ASSERT_TRUE(good);
  EXPECT_TRUE(starts_with((*good).map({"a"}).error().detail, folder.file("good.yaml") + ":2:1: "));
}

TEST(yaml, becomes_json_with_the_types_that_were_written) {
  EXPECT_EQ(json("a: 1\nb: '1'\nc: true\nd: 'true'\ne: ~\nf: [x, 1.5, -2]\ng: {}\n"),
            R"({"a":1,"b":"1","c":true,"d":"true","e":null,"f":["x",1.5E0,-2],"g":{}})");
  EXPECT_EQ(json("a: 0123\nb: 1.2.3\nc: 2024-01-02\nd: 9223372036854775808\n"),
            R"({"a":"0123","b":"1.2.3","c":"2024-01-02","d":"9223372036854775808"})");
}

TEST(yaml, is_not_blown_up_by_aliases) {
  std::string bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i <= 9; ++i) {
    auto last = "*a" + std::to_string(i - 1);
    bomb += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [" + last;
    for (int j = 0; j < 9; ++j) bomb += ", " + last;
    bomb += "]\n";
  }
  EXPECT_NE(refusal(bomb).find("too large"), std::string::npos);
  EXPECT_NE(refusal("a: &a\n  b: *a\n").find("too"), std::string::npos) << "a value that holds itself";
}

TEST(yaml, is_not_overrun_by_depth) {
  for (std::size_t depth : {100u, 1000u, 100'000u}) {
    EXPECT_FALSE(yaml_value::parse(std::string(depth, '[') + std::string(depth, ']'), "tilld.yaml")) << depth;
  }
  EXPECT_EQ(json(std::string(30, '[') + std::string(30, ']')), std::string(30, '[') + std::string(30, ']'));
}

TEST(nearest_word, is_the_known_one_with_the_smallest_distance_or_none) {
  EXPECT_EQ(nearest_word("lsten", {"listen", "till"}), "listen");
  EXPECT_EQ(nearest_word("isolate", {"isolation", "plugin"}), "isolation");
  EXPECT_EQ(nearest_word("till", {"till"}), "till");
  EXPECT_FALSE(nearest_word("zzzzzzzz", {"listen", "till"}));
  EXPECT_FALSE(nearest_word("x", {}));
}
