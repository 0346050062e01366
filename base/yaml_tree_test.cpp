#include "base/yaml_tree.hpp"

#include <gtest/gtest.h>

#include <boost/json.hpp>

#include "base/yaml.hpp"

using namespace tilld::base;

namespace {

const auto schema = boost::json::parse(R"({"properties": {
  "plugins": {"x-merged-by-name": true, "items": {"properties": {"config": {"type": "object"}}}},
  "roles": {"items": {}}}})")
                        .as_object();

// The files laid one over the other, as JSON.
std::string together(std::initializer_list<std::string> files) {
  yaml_tree whole;
  int number = 0;
  for (auto& text : files) {
    auto one = parse_yaml(text, "file" + std::to_string(++number));
    EXPECT_TRUE(one) << one.error().detail;
    whole = whole ? lay_over(whole, *one, schema) : *one;
  }
  return boost::json::serialize(*yaml_value(whole).json());
}

}  // namespace

TEST(yaml_tree, merges_maps_key_by_key_and_the_later_scalar_wins) {
  EXPECT_EQ(together({"a: 1\nm: {x: 1, y: {z: 1}}\n", "m: {y: {z: 2, w: 3}}\nb: 2\n"}),
            R"({"a":1,"m":{"x":1,"y":{"z":2,"w":3}},"b":2})");
  EXPECT_EQ(together({"a: 1\n", "a: 2\n", "a: 3\n"}), R"({"a":3})");
  EXPECT_EQ(together({"", "a: 1\n", "# nothing\n"}), R"({"a":1})");
}

TEST(yaml_tree, merges_lists_by_name_only_where_the_schema_says_so) {
  EXPECT_EQ(together({"plugins: [{name: a, config: {x: 1, y: 2}}, {name: b}]\n",
                      "plugins:\n  - {name: c}\n  - {name: a, config: {y: 3}, memory: 5}\n"}),
            R"({"plugins":[{"name":"a","config":{"x":1,"y":3},"memory":5},{"name":"b"},{"name":"c"}]})");
  EXPECT_EQ(together({"roles: [{name: a}]\n", "roles: [{name: b}]\n"}), R"({"roles":[{"name":"b"}]})");
  EXPECT_EQ(together({"plugins: [{name: a, config: {list: [{name: x}]}}]\n",
                      "plugins: [{name: a, config: {list: [{name: y}]}}]\n"}),
            R"({"plugins":[{"name":"a","config":{"list":[{"name":"y"}]}}]})");
}

TEST(yaml_tree, keeps_a_name_that_stands_twice_in_one_file_for_the_reader_to_refuse) {
  EXPECT_EQ(together({"plugins: [{name: a}]\n", "plugins: [{name: a, x: 1}, {name: a, x: 2}]\n"}),
            R"({"plugins":[{"name":"a","x":1},{"name":"a","x":2}]})");
  EXPECT_EQ(together({"plugins: [{name: a}]\n", "plugins: [{name: b, x: 1}, {name: b, x: 2}]\n"}),
            R"({"plugins":[{"name":"a"},{"name":"b","x":1},{"name":"b","x":2}]})");
}

TEST(yaml_tree, lets_a_key_without_a_value_say_nothing_and_null_take_back) {
  EXPECT_EQ(together({"m: {x: 1, y: 2}\nplugins: [{name: a}]\n", "m:\nplugins:\n"}),
            R"({"m":{"x":1,"y":2},"plugins":[{"name":"a"}]})");
  for (auto* word : {"~", "null", "Null", "NULL", "~ # taken back"})
    EXPECT_EQ(together({"m: {x: 1}\nn: 2\n", std::string("m: ") + word + "\n"}), R"({"m":null,"n":2})")
        << word;
  // What follows an empty value is a key that begins like the word.
  EXPECT_EQ(together({"m: 1\n", "m:\nnullable: 2\n"}), R"({"m":1,"nullable":2})");
  EXPECT_EQ(together({"m: 1\n", "m:\n~x: 2\n"}), R"({"m":1,"~x":2})");
  EXPECT_EQ(together({"m: {x: 1}\n", "m: {x: ~, y: }\n"}), R"({"m":{"x":null,"y":null}})");
  EXPECT_EQ(together({"l: [1]\nm: 1\n", "l: ~\r\nm:\r\n"}), R"({"l":null,"m":1})");
  EXPECT_EQ(together({"m: {x: 1}\n", "m: ~\n", "m: {y: 1}\n"}), R"({"m":{"y":1}})");
}

TEST(yaml_tree, knows_of_each_value_where_it_comes_from) {
  auto under = *parse_yaml("m:\n  x: 1\n  y: 2\n", "tilld.yaml");
  auto over = *parse_yaml("\n\nm: {y: 3}\n", "conf.d/10.yaml");
  auto whole = lay_over(under, over, schema);
  EXPECT_EQ(whole->member("m")->member("x")->place(), "tilld.yaml:2:6");
  EXPECT_EQ(whole->member("m")->member("y")->place(), "conf.d/10.yaml:3:8");
  EXPECT_EQ(whole->member("m")->key_node("y")->place(), "conf.d/10.yaml:3:5");
  EXPECT_EQ(under->member("m")->member("y")->scalar, "2") << "what was read stays as it was";
}
