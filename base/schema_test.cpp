#include "base/schema.hpp"

#include <gtest/gtest.h>

#include <boost/json.hpp>

#include "base/json_text.hpp"

using namespace tilld::base;
namespace json = boost::json;

namespace {

std::string complaint(const schema& s, const char* value) {
  auto all = complaints(s, json::parse(value));
  return all.empty() ? "" : all[0].text();
}

schema parsed(const char* text) { return schema(json::parse(text).as_object()); }

const schema sale = shape::closed(shape::object({
    shape::needed("id", shape::text(1, 4), "which"),
    shape::optional("count", shape::whole(1, 9), "how many"),
    shape::optional("kind", shape::one_of({"sale", "refund"}), "what"),
    shape::optional(
        "lines", shape::list(shape::object({shape::needed("price", shape::whole(), "what it costs")}), 0, 2),
        "what was sold"),
}));

}  // namespace

TEST(schema, names_the_member_that_does_not_fit_and_says_what_would) {
  EXPECT_EQ(complaint(sale, R"({"id":"a","count":9,"kind":"refund","lines":[{"price":-1}]})"), "");
  EXPECT_EQ(complaint(sale, R"({})"), "id: is missing");
  EXPECT_EQ(complaint(sale, R"({"id":7})"), "id: must be text");
  EXPECT_EQ(complaint(sale, R"({"id":null})"), "id: must be text");
  EXPECT_EQ(complaint(sale, R"({"id":"abcde"})"), "id: must have 1 to 4 characters");
  EXPECT_EQ(complaint(sale, R"({"id":""})"), "id: is empty");
  EXPECT_EQ(complaint(sale, R"({"id":"a","count":10})"), "count: must be an integer from 1 to 9");
  EXPECT_EQ(complaint(sale, R"({"id":"a","count":2.0})"), "count: must be an integer from 1 to 9");
  EXPECT_EQ(complaint(sale, R"({"id":"a","kind":"refnd"})"),
            R"(kind: must be sale or refund, did you mean "refund"?)");
  EXPECT_EQ(complaint(sale, R"({"id":"a","lines":[{"price":1},{}]})"), "lines.1.price: is missing");
  EXPECT_EQ(complaint(sale, R"({"id":"a","lines":[1,2,3]})"), "lines: must be a list of 0 to 2");
  EXPECT_EQ(complaint(sale, R"({"id":"a","cuont":1})"), R"(cuont: is not known here, did you mean "count"?)");
  EXPECT_EQ(complaint(sale, R"([])"), "body: must be an object");
}

TEST(schema, counts_characters_and_not_octets) {
  EXPECT_EQ(complaint(sale, R"({"id":"äöü€"})"), "");
  EXPECT_NE(complaint(sale, R"({"id":"äöü€x"})"), "");
}

TEST(schema, takes_null_for_what_is_left_out_where_that_may_be) {
  EXPECT_EQ(complaint(sale, R"({"id":"a","count":null})"), "");
  EXPECT_NE(complaint(sale, R"({"id":null})"), "");
}

TEST(schema, ignores_unknown_members_unless_it_is_closed) {
  auto open = shape::object({shape::optional("a", shape::boolean(), "x")});
  EXPECT_EQ(complaint(open, R"({"b":1})"), "");
  EXPECT_EQ(complaint(shape::closed(open), R"({"b":1})").substr(0, 20), "b: is not known here");
  EXPECT_EQ(complaint(shape::map(shape::whole()), R"({"b":1,"c":"2"})"), "c: must be an integer");
}

TEST(schema, tells_all_complaints_where_all_are_wanted) {
  auto all = complaints(sale, json::parse(R"({"count":0,"cuont":1,"lines":[{"price":"x"},{}]})"), 10);
  ASSERT_EQ(all.size(), 5u);
  EXPECT_EQ(all[0].what, schema_complaint::about::missing_member);
  EXPECT_EQ(all[4].what, schema_complaint::about::unknown_member);
  EXPECT_EQ(all[2].path, (std::vector<std::string>{"lines", "0", "price"}));
}

TEST(schema, reads_what_others_write) {
  EXPECT_EQ(complaint(parsed(R"({"type":["string","integer"]})"), "true"),
            "body: must be text or an integer");
  EXPECT_EQ(complaint(parsed(R"({"const":3})"), "4"), "body: must be 3");
  EXPECT_EQ(complaint(parsed(R"({"type":"string","pattern":"^a+$"})"), R"("ab")"),
            R"(body: must match ^a+$)");
  EXPECT_EQ(complaint(parsed(R"({"exclusiveMinimum":0})"), "0"), "body: must be more than 0");
  EXPECT_EQ(complaint(parsed(R"({"not":{"type":"string"}})"), R"("x")"),
            "body: has a form that is not allowed");
  EXPECT_EQ(complaint(parsed(R"({"items":[{"type":"string"}]})"), R"(["x",1])"), "");
  EXPECT_EQ(complaint(parsed(R"({"propertyNames":{"maxLength":2}})"), R"({"abc":1})"),
            "abc: must have at most 2 characters");
  EXPECT_EQ(complaint(parsed(R"({"oneOf":[{"type":"integer"},{"type":"number"}]})"), "1"),
            "body: has more than one of the allowed forms");
  auto either = parsed(
      R"({"anyOf":[{"type":"object","required":["a"]},{"type":"object","properties":{"b":{"type":"integer"}},"required":["b"]}]})");
  EXPECT_EQ(complaint(either, R"({"a":1})"), "");
  EXPECT_EQ(complaint(either, R"({"b":"x"})"), "a: is missing");
}

TEST(schema, follows_references_and_does_not_go_round_in_circles) {
  auto tree = parsed(
      R"({"definitions":{"node":{"type":"object","properties":{"child":{"$ref":"#/definitions/node"}},"additionalProperties":false}},"$ref":"#/definitions/node"})");
  EXPECT_EQ(complaint(tree, R"({"child":{"child":{}}})"), "");
  EXPECT_EQ(complaint(tree, R"({"child":{"child":{"x":1}}})"), R"(child.child.x: is not known here)");
  EXPECT_EQ(complaint(parsed(R"({"$ref":"#/nowhere"})"), "1"),
            "body: has a schema that refers to nothing: #/nowhere");
  EXPECT_EQ(
      complaint(parsed(R"({"definitions":{"a":{"$ref":"#/definitions/a"}},"$ref":"#/definitions/a"})"), "1"),
      "");
}

TEST(schema, survives_schemas_that_are_none) {
  for (auto text : {R"({"type":7})", R"({"required":7})", R"({"properties":[]})", R"({"enum":{}})",
                    R"({"anyOf":7})", R"({"minLength":-1})", R"({"items":null})", R"({"$ref":7})"})
    for (auto value : {"1", R"("x")", "[1]", R"({"a":1})"}) complaint(parsed(text), value);
  EXPECT_NE(complaint(parsed(R"({"pattern":"("})"), R"("x")"), "");
  EXPECT_NE(complaint(parsed(R"({"pattern":"^(a*)*$"})"), ("\"" + std::string(100'000, 'a') + "\"").c_str()),
            "");
}

TEST(schema, knows_money_ids_and_octets) {
  EXPECT_EQ(complaint(shape::money(), R"({"minor":1250,"currency":"EUR"})"), "");
  EXPECT_EQ(complaint(shape::money(), R"({"minor":9007199254740992,"currency":"EUR"})"),
            "minor: must be an integer from -9007199254740991 to 9007199254740991");
  EXPECT_EQ(complaint(shape::uuid(), R"("018bcfe5-6800-7abc-8123-456789abcdef")"), "");
  EXPECT_EQ(complaint(shape::uuid(), R"("018bcfe5")"), "body: must be a UUID");
  EXPECT_EQ(complaint(shape::hex(2), R"("00fF")"), "");
  EXPECT_EQ(complaint(shape::hex(2), R"("00f")"), "body: must be 4 hexadecimal digits");
}

TEST(json_text, is_indented_where_a_line_would_be_long_and_reads_back_as_it_was) {
  json::value v = json::parse(R"({"a":[1,2],"b":{},"c":[]})");
  EXPECT_EQ(indented(v), "{\"a\":[1,2],\"b\":{},\"c\":[]}\n");
  json::object large;
  for (int i = 0; i < 30; ++i)
    large["member \"" + std::to_string(i)] = json::array{i, json::object{{"x", "y\n"}}};
  auto text = indented(large);
  EXPECT_EQ(json::parse(text), json::value(large));
  EXPECT_NE(text.find("\n  \"member \\\"7\": [7,{\"x\":\"y\\n\"}],\n"), text.npos) << text;
}
