// tilld/json.h, the JSON of plugins in C, and tilld/octets.hpp.
#include <gtest/gtest.h>
#include <tilld/json.h>

#include <string>

#include <boost/json.hpp>

#include <tilld/octets.hpp>

namespace tilld {
namespace {

bool is_object(const std::string& text) {
  tilld_json object;
  return tilld_json_object({text.data(), text.size()}, &object) != 0;
}

// The member as it stands there; "(none)" without it.
std::string member(const std::string& text, const char* name) {
  tilld_json object, value;
  if (!tilld_json_object({text.data(), text.size()}, &object)) return "(no object)";
  if (!tilld_json_member(object, name, &value)) return "(none)";
  return std::string(value.begin, value.end);
}

std::string text_member(const std::string& text, std::size_t room = 64) {
  tilld_json object, value;
  std::string to(room, '?');
  if (!tilld_json_object({text.data(), text.size()}, &object) || !tilld_json_member(object, "t", &value))
    return "(none)";
  return tilld_json_text(value, to.data(), room) ? to.c_str() : "(no text)";
}

TEST(json_for_c, takes_one_object_and_nothing_else) {
  for (auto good :
       {"", "{}", " { \"a\" : [ 1 , -2.5e+3, true, null, \"x\\u00e4\\\"\" , { } ] } ", R"({"a":0})"})
    EXPECT_TRUE(is_object(good)) << good;
  for (auto bad : {"[]", "{", "}", "{}x", "{} {}", R"({"a"})", R"({"a":})", R"({"a":1,})", R"({a:1})",
                   R"({"a":01})", R"({"a":1.})", R"({"a":"\x"})", R"({"a":"\u12g4"})", R"({"a":"x)",
                   R"({"a":[1,]})", R"({"a":tru})", "{\"a\":\"\n\"}", "{\"a\":\"\\"})
    EXPECT_FALSE(is_object(bad)) << bad;
  EXPECT_FALSE(is_object("{\"a\":" + std::string(10'000, '[')));
}

TEST(json_for_c, takes_utf8_and_no_other_octets) {
  for (std::string text : {"ä€😀", "\xc4", "\xc0\x80", "\xe0\x80\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80",
                           "\xe2\x82", "\xf5", "\x80"})
    EXPECT_EQ(is_object("{\"a\":\"" + text + "\"}"), is_utf8(text)) << text;
}

TEST(json_for_c, agrees_with_a_grown_up_parser_on_every_beginning_of_a_body) {
  const std::string whole = R"({"on":true,"a":[{"b":"\u20ac\n"},-1.5e2,null],"c":{"d":""}})";
  for (std::size_t size = 1; size <= whole.size(); ++size) {
    boost::json::error_code failed;
    boost::json::parse(whole.substr(0, size), failed);
    EXPECT_EQ(is_object(whole.substr(0, size)), !failed) << whole.substr(0, size);
  }
}

TEST(json_for_c, finds_members_of_the_outer_object_only) {
  const std::string body = R"({"a":{"on":1},"list":["on",2],"on" : false , "z":"\"on\":7"})";
  EXPECT_EQ(member(body, "on"), "false");
  EXPECT_EQ(member(body, "z"), R"("\"on\":7")");
  EXPECT_EQ(member(body, "b"), "(none)");
  EXPECT_EQ(member("{}", "on"), "(none)");
}

TEST(json_for_c, counts_the_elements_of_a_list) {
  const std::string body = R"({"l":[ "a" , [1,2], {"b":3} ],"e":[],"n":7})";
  tilld_json object, list, value;
  ASSERT_TRUE(tilld_json_object({body.data(), body.size()}, &object));
  ASSERT_TRUE(tilld_json_member(object, "l", &list));
  const char* expected[] = {"\"a\"", "[1,2]", "{\"b\":3}"};
  for (std::size_t i = 0; i < 3; ++i) {
    ASSERT_TRUE(tilld_json_element(list, i, &value)) << i;
    EXPECT_EQ(std::string(value.begin, value.end), expected[i]);
  }
  EXPECT_FALSE(tilld_json_element(list, 3, &value));
  for (auto none : {"e", "n"}) {
    ASSERT_TRUE(tilld_json_member(object, none, &list));
    EXPECT_FALSE(tilld_json_element(list, 0, &value)) << none;
  }
}

TEST(json_for_c, reads_plain_values_and_no_others) {
  tilld_json object, value;
  auto get = [&](const char* text) {
    tilld_json_object({text, std::strlen(text)}, &object);
    tilld_json_member(object, "v", &value);
    return value;
  };
  int on = -1;
  EXPECT_TRUE(tilld_json_bool(get(R"({"v":false})"), &on) && on == 0);
  EXPECT_FALSE(tilld_json_bool(get(R"({"v":"true"})"), &on));
  std::int64_t number = 0;
  EXPECT_TRUE(tilld_json_integer(get(R"({"v":-9007199254740991})"), &number) && number == -9007199254740991);
  EXPECT_TRUE(tilld_json_integer(get(R"({"v":9223372036854775807})"), &number) && number == INT64_MAX);
  EXPECT_TRUE(tilld_json_integer(get(R"({"v":-9223372036854775808})"), &number) && number == INT64_MIN);
  for (auto none : {R"({"v":12.0})", R"({"v":1e3})", R"({"v":"1"})", R"({"v":99999999999999999999})",
                    R"({"v":9223372036854775808})", R"({"v":-9223372036854775809})"})
    EXPECT_FALSE(tilld_json_integer(get(none), &number)) << none;
}

TEST(json_for_c, unescapes_text_and_refuses_what_does_not_fit) {
  EXPECT_EQ(text_member(R"({"t":"/dev/tty\u0041\n\\\"\/"})"), "/dev/ttyA\n\\\"/");
  EXPECT_EQ(text_member(R"({"t":"\u20ac\ud83d\ude00ä"})"), "€😀ä");
  EXPECT_EQ(text_member(R"({"t":"\ud83d"})"), "(no text)");
  EXPECT_EQ(text_member(R"({"t":"a\u0000b"})"), "(no text)");
  EXPECT_EQ(text_member(R"({"t":7})"), "(no text)");
  EXPECT_EQ(text_member(R"({"t":"1234567"})", 8), "1234567");
  EXPECT_EQ(text_member(R"({"t":"12345678"})", 8), "(no text)");
  EXPECT_EQ(text_member(R"({"t":"123456\u20ac"})", 8), "(no text)");
}

TEST(json_for_c, quotes_any_octets_so_that_they_come_back) {
  std::string all;
  for (int octet = 0; octet < 256; ++octet) all += static_cast<char>(octet);
  std::string quoted(6 * all.size() + 3, '\0');
  auto size = tilld_json_quote(all.data(), all.size(), quoted.data(), quoted.size());
  ASSERT_GT(size, 0u);
  auto value = boost::json::parse(std::string_view(quoted.data(), size));
  EXPECT_EQ(std::string_view(value.as_string()), text_of(all));
  EXPECT_EQ(tilld_json_quote(all.data(), all.size(), quoted.data(), 100), 0u);
  EXPECT_EQ(tilld_json_quote("", 0, quoted.data(), 3), 2u);
}

TEST(octets, stay_when_they_are_utf8_and_are_latin_1_otherwise) {
  EXPECT_EQ(text_of("4006381333931"), "4006381333931");
  EXPECT_EQ(text_of("Äpfel €😀"), "Äpfel €😀");
  EXPECT_EQ(text_of("\xc4pfel"), "Äpfel");
  for (auto wrong :
       {"\x80", "\xc0\x80", "\xe0\x80\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xe2\x82", "\xff"})
    EXPECT_FALSE(is_utf8(wrong)) << wrong;
}

}  // namespace
}  // namespace tilld
