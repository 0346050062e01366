#include "base/canonical_json.hpp"

#include <gtest/gtest.h>

#include <array>

#include <boost/json.hpp>

using namespace tilld::base;

namespace {

std::string canonical(const std::string& text) { return canonical_json(boost::json::parse(text)); }

std::string without(const std::string& text, std::initializer_list<std::string_view> paths) {
  auto value = boost::json::parse(text);
  remove_members(value, std::vector<std::string_view>(paths));
  return canonical_json(value);
}

}  // namespace

TEST(canonical_json, sorts_members_by_their_octets_on_every_level) {
  EXPECT_EQ(canonical(R"( { "b" : 1, "a" : { "z":[ {"y":1,"x":2} ], "B":0 } } )"),
            R"({"a":{"B":0,"z":[{"x":2,"y":1}]},"b":1})");
  EXPECT_EQ(canonical(R"({"ä":1,"z":2,"Z":3,"":4})"), R"({"":4,"Z":3,"z":2,"ä":1})");
}

TEST(canonical_json, is_the_same_for_the_same_meaning) {
  EXPECT_EQ(canonical(R"({"a":"\u0041\u00e4\/"})"), canonical(R"({ "a" : "Aä/" })"));
  EXPECT_EQ(canonical(R"({"a":1,"b":2})"), canonical(R"({"b":2,"a":1})"));
}

TEST(canonical_json, differs_where_the_meaning_differs) {
  EXPECT_NE(canonical(R"({"a":1})"), canonical(R"({"a":"1"})"));
  EXPECT_NE(canonical(R"({"a":null})"), canonical(R"({})"));
  EXPECT_NE(canonical(R"([1,2])"), canonical(R"([2,1])"));
  EXPECT_NE(canonical(R"({"a":"x","b":"y"})"), canonical(R"({"a":"x\",\"b\":\"y"})"));
}

TEST(canonical_json, keeps_integers_as_written_and_escapes_shortly) {
  EXPECT_EQ(canonical("[9007199254740993,-1,0,18446744073709551615]"),
            "[9007199254740993,-1,0,18446744073709551615]");
  EXPECT_EQ(canonical(R"(["\u0009\u000a\u0001\"\\","纸"])"), R"(["\t\n\u0001\"\\","纸"])");
  EXPECT_EQ(canonical("[true,false,null,{},[],\"\"]"), "[true,false,null,{},[],\"\"]");
}

TEST(canonical_json, puts_commas_where_they_belong_after_empty_members) {
  EXPECT_EQ(canonical(R"({"a":{},"b":{},"c":"{","d":1})"), R"({"a":{},"b":{},"c":"{","d":1})");
  EXPECT_EQ(canonical("[[],[],[[]]]"), "[[],[],[[]]]");
}

TEST(canonical_json, leaves_out_one_member_and_only_at_the_top) {
  auto object = boost::json::parse(R"({"k":1,"b":{"k":2},"a":[{"k":3}]})").as_object();
  EXPECT_EQ(tilld::base::canonical_json(object, "k"), R"({"a":[{"k":3}],"b":{"k":2}})");
  EXPECT_EQ(tilld::base::canonical_json(object, "z"), canonical(R"({"k":1,"b":{"k":2},"a":[{"k":3}]})"));
  EXPECT_EQ(tilld::base::canonical_json(boost::json::parse(R"({"k":1})").as_object(), "k"), "{}");
}

TEST(canonical_json, is_read_back_as_the_same_value) {
  auto text = R"({"list":[1,-2,"x",{"n":null}],"t":true,"s":"ä\n"})";
  EXPECT_EQ(boost::json::parse(canonical(text)), boost::json::parse(text));
}

TEST(secret_members, go_at_the_top_along_the_dots_and_in_lists) {
  EXPECT_EQ(without(R"({"pin":"1","amount":2})", {"pin"}), R"({"amount":2})");
  EXPECT_EQ(without(R"({"card":{"track":"x","kind":"y"},"track":"stays"})", {"card.track"}),
            R"({"card":{"kind":"y"},"track":"stays"})");
  EXPECT_EQ(without(R"({"cards":[{"track":"x"},{"track":"y","k":1},7]})", {"cards.track"}),
            R"({"cards":[{},{"k":1},7]})");
  EXPECT_EQ(without(R"([{"pin":1},[{"pin":2}]])", {"pin"}), "[{},[{}]]");
}

TEST(secret_members, that_are_not_there_are_no_error) {
  EXPECT_EQ(without(R"({"a":1})", {"pin", "card.track", "a.b"}), R"({"a":1})");
  EXPECT_EQ(without("7", {"pin"}), "7");
}
