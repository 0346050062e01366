#include "wire/json_rpc.hpp"

#include <gtest/gtest.h>

#include <random>
#include <vector>

#include <boost/json.hpp>

using namespace tilld;
using wire::parse_request;

namespace {

std::vector<std::string> split(const std::vector<std::string>& pieces) {
  wire::line_splitter splitter;
  std::vector<std::string> lines;
  for (auto& piece : pieces) {
    splitter.feed(piece);
    for (;;) {
      auto line = splitter.next();
      if (!line) {
        lines.push_back("error");
        return lines;
      }
      if (!*line) break;
      lines.emplace_back(**line);
    }
  }
  return lines;
}

base::errc refusal_of(std::string_view line) {
  auto parsed = parse_request(line);
  return parsed ? base::errc::internal : parsed.error().why.code;
}

}  // namespace

TEST(line_splitter, joins_a_line_that_arrives_in_pieces) {
  EXPECT_EQ(split({"ab", "c\nde", "f\r\n", "\n\n", "g\n"}), (std::vector<std::string>{"abc", "def", "g"}));
}

TEST(line_splitter, yields_the_same_lines_whatever_the_pieces) {
  std::string whole = "one\r\n\ntwo two\n{\"x\":1}\nlast\n";
  auto expected = split({whole});
  std::mt19937 random(7);
  for (int round = 0; round < 300; ++round) {
    std::vector<std::string> pieces;
    for (std::size_t at = 0; at < whole.size();) {
      auto size = 1 + random() % 5;
      pieces.push_back(whole.substr(at, size));
      at += size;
    }
    ASSERT_EQ(split(pieces), expected);
  }
}

TEST(line_splitter, takes_a_line_of_one_mebibyte_and_refuses_a_longer_one) {
  std::string largest(wire::line_size_max, 'x');
  EXPECT_EQ(split({largest + "\n"}).front().size(), wire::line_size_max);
  EXPECT_EQ(split({largest + "x\n"}).front(), "error");
  EXPECT_EQ(split({largest + "x"}).front(), "error");
}

TEST(line_splitter, gives_back_the_memory_of_a_long_line) {
  wire::line_splitter splitter;
  splitter.feed(std::string(900'000, 'x') + "\n");
  ASSERT_TRUE(*splitter.next());
  ASSERT_FALSE(*splitter.next());
  splitter.feed("short");
  EXPECT_EQ(splitter.held(), 5u);
}

TEST(request, keeps_id_method_and_params_as_received) {
  std::string_view line =
      R"({"jsonrpc":"2.0","id":"a\"b","method":"sale.record","params":{"n": 1.50,"s":"}\"{"}})";
  auto r = parse_request(line);
  ASSERT_TRUE(r);
  EXPECT_EQ(r->id, R"("a\"b")");
  EXPECT_EQ(r->method, "sale.record");
  EXPECT_EQ(wire::raw_params(line), R"({"n": 1.50,"s":"}\"{"})");
  EXPECT_EQ(r->params.at("s").as_string(), "}\"{");
}

TEST(request, without_an_id_is_a_notification) {
  std::string_view line = R"({"jsonrpc":"2.0","method":"x"})";
  auto r = parse_request(line);
  ASSERT_TRUE(r);
  EXPECT_TRUE(r->id.empty());
  EXPECT_EQ(wire::raw_params(line), "{}");
}

TEST(request, uses_the_last_of_two_members_as_the_parser_does) {
  std::string_view line = R"({"jsonrpc":"2.0","id":1,"method":"x","params":{"a":1},"params":{"a":2}})";
  auto r = parse_request(line);
  ASSERT_TRUE(r);
  EXPECT_EQ(r->params.at("a").as_int64(), 2);
  EXPECT_EQ(wire::raw_params(line), R"({"a":2})");
}

TEST(request, finds_params_whose_name_is_written_with_escapes) {
  std::string_view line = R"({"jsonrpc":"2.0","id":1,"method":"x","par\u0061ms":{"a":[1,{"b":"]"}]} })";
  auto r = parse_request(line);
  ASSERT_TRUE(r);
  EXPECT_EQ(wire::raw_params(line), R"({"a":[1,{"b":"]"}]})");
}

TEST(request, sees_where_a_text_ends_whatever_is_escaped_in_it) {
  for (std::string text : {R"("")", R"("\\")", R"("\\\"")", R"("\"\"")", R"("a\\\\\"b")", R"("{[,]}")"}) {
    auto line = R"({"jsonrpc":"2.0","id":1,"method":"x","params":{"t":)" + text + R"(},"more":)" + text + "}";
    ASSERT_TRUE(parse_request(line)) << line;
    EXPECT_EQ(wire::raw_params(line), "{\"t\":" + text + "}");
    EXPECT_EQ(wire::raw_member(line, "more"), text);
  }
}

TEST(request, refuses_what_is_not_a_request_and_says_which_kind_of_wrong) {
  EXPECT_EQ(refusal_of("{"), base::errc::parse_error);
  EXPECT_EQ(refusal_of("{\"a\":\"\xff\xfe\"}"), base::errc::parse_error);
  EXPECT_EQ(refusal_of(std::string(100, '[') + std::string(100, ']')), base::errc::parse_error);
  EXPECT_EQ(refusal_of("[]"), base::errc::invalid_request);
  EXPECT_EQ(refusal_of("7"), base::errc::invalid_request);
  EXPECT_EQ(refusal_of(R"({"id":1,"method":"x"})"), base::errc::invalid_request);
  EXPECT_EQ(refusal_of(R"({"jsonrpc":"2.0","id":1.5,"method":"x"})"), base::errc::invalid_request);
  EXPECT_EQ(refusal_of(R"({"jsonrpc":"2.0","id":{},"method":"x"})"), base::errc::invalid_request);
  EXPECT_EQ(refusal_of(R"({"jsonrpc":"2.0","id":1,"method":7})"), base::errc::invalid_request);
  EXPECT_EQ(refusal_of(R"({"jsonrpc":"2.0","id":1,"method":"x","params":[1]})"), base::errc::invalid_request);
}

TEST(line_splitter, keeps_no_memory_of_a_long_line_while_nothing_comes) {
  wire::line_splitter splitter;
  splitter.feed(std::string(900'000, 'x') + "\nhalf");
  ASSERT_TRUE(*splitter.next());
  ASSERT_FALSE(*splitter.next());
  splitter.rest();
  EXPECT_GT(splitter.memory(), 900'000u) << "half a line is still there";
  splitter.feed(" a line\n");
  EXPECT_EQ(**splitter.next(), "half a line");
  ASSERT_FALSE(*splitter.next());
  splitter.rest();
  EXPECT_LT(splitter.memory(), 1000u);
  splitter.feed("more\n");
  EXPECT_EQ(**splitter.next(), "more");
}

TEST(request, has_a_bounded_number_of_values_and_long_texts_all_the_same) {
  auto with = [](const std::string& params) {
    return R"({"jsonrpc":"2.0","id":1,"method":"x","params":)" + params + "}";
  };
  std::string list = "[0";
  for (int i = 0; i < 65'000; ++i) list += ", 0";
  EXPECT_TRUE(parse_request(with(R"({"a":)" + list + "]}")));
  for (int i = 0; i < 1000; ++i) list += ", 0";
  EXPECT_EQ(refusal_of(with(R"({"a":)" + list + "]}")), base::errc::message_too_large);
  EXPECT_TRUE(parse_request(with(R"({"a":")" + std::string(500'000, ',') + R"(\",[,{"})")));
}

TEST(json, knows_a_member_that_stands_twice) {
  EXPECT_EQ(wire::repeated_member(R"({"a":1,"b":{"a":1},"c":[{"a":1},{"a":2}]})"), std::nullopt);
  EXPECT_EQ(wire::repeated_member(R"({"a":1,"b":2,"a":3})"), "a");
  EXPECT_EQ(wire::repeated_member(R"({"x":[1,{"y":{"z":1,"z":1}}]})"), "z");
  EXPECT_EQ(wire::repeated_member(R"({"total":1,"t\u006ftal":2})"), "total");
  EXPECT_EQ(wire::repeated_member(R"({"a":"a","b":["a","a",{"a":"\"a\""}], "c" : "b"})"), std::nullopt);
  EXPECT_EQ(wire::repeated_member(R"({"":1, "" :2})"), "");
  EXPECT_EQ(wire::repeated_member("[]"), std::nullopt);
}

TEST(repeated_member, is_found_beside_what_was_parsed_as_in_the_text_alone) {
  for (std::string_view json : {R"({"a":1,"b":{"a":1},"c":[{"a":1},{"a":2}]})", R"({"a":1,"b":2,"a":3})",
                                R"({"x":[1,{"y":{"z":1,"z":1}}]})", R"({"total":1,"t\u006ftal":2})",
                                R"({"a":"x:y","b":["c:","\":"],"d":{"e":"f"}})", R"({"":1, "" :2})", "{}",
                                R"({"a":{"b":1,"b":2},"a":{"c":1,"d":2}})"}) {
    auto parsed = boost::json::parse(boost::json::string_view(json.data(), json.size())).as_object();
    EXPECT_EQ(wire::repeated_member(json, parsed), wire::repeated_member(json)) << json;
  }
}

TEST(request, keeps_the_id_in_a_refusal_that_comes_after_it) {
  auto r = parse_request(R"({"jsonrpc":"2.0","id":9,"method":7})");
  ASSERT_FALSE(r);
  EXPECT_EQ(r.error().id, "9");
}

TEST(request, survives_random_octets) {
  std::mt19937 random(11);
  const std::string alphabet = "{}[]\",:\\ \tabc019.-eEtruefalsn\xc3\xa4\xff";
  for (int round = 0; round < 20'000; ++round) {
    std::string line;
    for (auto n = random() % 60; n > 0; --n) line += alphabet[random() % alphabet.size()];
    (void)parse_request(line);
    (void)wire::raw_member(line, "a");
  }
}

TEST(answer, is_one_line_with_the_octets_it_was_given) {
  std::string out;
  wire::append_answer(out, "7", {false, R"({"a":1})"});
  EXPECT_EQ(out, R"({"jsonrpc":"2.0","id":7,"result":{"a":1}})");
}

TEST(answer, of_an_error_has_code_kind_sentence_and_hint) {
  auto a = wire::make_error({base::errc::paper_out, "paper end"}, base::language::german);
  auto e = boost::json::parse(a.text).as_object();
  EXPECT_EQ(e.at("code").as_int64(), -32045);
  EXPECT_EQ(e.at("message").as_string(), "paper end");
  auto& data = e.at("data").as_object();
  EXPECT_EQ(data.at("kind").as_string(), "paper_out");
  EXPECT_TRUE(data.at("retryable").as_bool());
  EXPECT_NE(std::string_view(data.at("user_message").as_string()).find("Papier"), std::string_view::npos);
  EXPECT_FALSE(data.at("hint").as_string().empty());
}

TEST(json_rpc, takes_no_number_that_could_not_be_written_into_an_answer) {
  auto refused =
      wire::parse_request(R"({"jsonrpc":"2.0","id":1,"method":"system.ping","params":{"echo":1e400}})");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().why.code, base::errc::parse_error);
}
