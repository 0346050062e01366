#include "base/yaml_fit.hpp"

#include <gtest/gtest.h>

using namespace tilld::base;
using namespace tilld::base::shape;

namespace {

schema example() {
  return closed(object({needed("till", closed(object({needed("id", text(), "a name")})), "which one"),
                        optional("size", whole(16, 64), "how large"),
                        optional("how", one_of({"process", "none"}), "how"),
                        optional("list", list(closed(object({needed("name", text(), "a name")}))), "some"),
                        optional("free", object(), "anything")}));
}

std::string complaint(const std::string& text, errc expected = errc::config_wrong_value) {
  auto document = yaml_value::parse(text, "f.yaml");
  auto fit = document ? fits(*document, example()) : result<>(document.error());
  if (fit) return "fits";
  EXPECT_EQ(fit.error().code, expected) << text;
  return fit.error().detail;
}

}  // namespace

TEST(yaml_fit, takes_what_the_schema_describes) {
  EXPECT_EQ(complaint("till: {id: a}\nsize: 16\nhow: none\nlist: [{name: x}]\nfree: {a: [1]}\n"), "fits");
  EXPECT_EQ(complaint("till: {id: a}\nsize:\nhow: ~\nlist:\n"), "fits") << "an empty value is none";
}

TEST(yaml_fit, says_where_an_unknown_key_stands_and_which_one_was_meant) {
  EXPECT_EQ(complaint("till: {id: a}\nsise: 5\n", errc::config_unknown_key),
            "f.yaml:2:1: unknown key \"sise\", did you mean \"size\"?");
  EXPECT_EQ(
      complaint("till: {id: a}\nlist:\n  - {name: a}\n  - {name: b, nmae: c}\n", errc::config_unknown_key),
      "f.yaml:4:15: list[1]: unknown key \"nmae\", did you mean \"name\"?");
}

TEST(yaml_fit, says_where_a_value_does_not_fit_and_what_would) {
  EXPECT_EQ(complaint("till: {id: a}\nsize: 5\n"), "f.yaml:2:7: size: must be an integer from 16 to 64");
  EXPECT_EQ(complaint("till: {id: a}\nsize: \"20\"\n"), "f.yaml:2:7: size: must be an integer from 16 to 64");
  EXPECT_EQ(complaint("till: {id: a}\nhow: proces\n"),
            "f.yaml:2:6: how: must be process or none, did you mean \"process\"?");
  EXPECT_EQ(complaint("till: {id: 7}\n"), "f.yaml:1:12: till.id: must be text; put it in quotes");
  EXPECT_EQ(complaint("till: x\n"), "f.yaml:1:7: till: must be keys and values");
  EXPECT_EQ(complaint("till: {id: a}\nlist:\n  name: x\n"),
            "f.yaml:3:3: list: must be a list: lines that begin with \"- \", or [a, b]");
  EXPECT_EQ(complaint("- a\n"), "f.yaml:1:1: must be keys and values");
}

TEST(yaml_fit, names_a_key_that_is_missing_or_has_no_value) {
  EXPECT_EQ(complaint(""), "f.yaml: the key \"till\" is missing");
  EXPECT_EQ(complaint("till:\n  id:\nsize: 20\n"), "f.yaml:2:3: till: the key \"id\" is missing");
  EXPECT_EQ(complaint("till: {id: a}\nlist: [{}]\n"), "f.yaml:2:8: list[0]: the key \"name\" is missing");
}

TEST(yaml_fit, takes_a_mistyped_key_for_what_it_is_and_not_for_a_missing_one) {
  EXPECT_EQ(complaint("till: {idd: a}\n", errc::config_unknown_key),
            "f.yaml:1:8: till: unknown key \"idd\", did you mean \"id\"?");
  EXPECT_EQ(complaint("tll: {id: a}\n", errc::config_unknown_key),
            "f.yaml:1:1: unknown key \"tll\", did you mean \"till\"?");
}

TEST(yaml_fit, sees_that_a_colon_is_missing) {
  EXPECT_EQ(complaint("till:\n  id: a\nsize 20\nhow: none\n", errc::config_unreadable),
            "f.yaml:4:4: illegal map value")
      << "yaml-cpp's words, and its place";
  EXPECT_EQ(complaint("till: {id: a}\nlist:\n- name: x\n  free y\n", errc::config_unknown_key),
            "f.yaml:4:3: list[0]: unknown key \"free y\"; is a \":\" missing behind \"free\"?");
}

TEST(yaml_fit, refuses_a_key_that_stands_there_twice) {
  EXPECT_EQ(complaint("till: {id: a}\nfree:\n  a: 1\n  a: 2\n"),
            "f.yaml:4:3: the key \"a\" stands there twice");
}
