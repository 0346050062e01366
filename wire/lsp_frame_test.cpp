#include "wire/lsp_frame.hpp"

#include <gtest/gtest.h>

#include <random>

#include "wire/json_rpc.hpp"

using namespace tilld;
using wire::lsp_splitter;

namespace {

std::string framed(const std::string& text) {
  std::string out;
  wire::append_lsp_message(out, text);
  return out;
}

base::errc refusal_of(const std::string& octets) {
  lsp_splitter s;
  s.feed(octets);
  auto got = s.next();
  EXPECT_FALSE(got) << octets.substr(0, 100);
  return got ? base::errc::internal : got.error().code;
}

}  // namespace

TEST(lsp_splitter, gives_messages_however_the_octets_come) {
  auto stream = framed("{\"a\":1}") +
                "content-length:2\r\nContent-Type: application/vscode-jsonrpc\r\n\r\n{}" + framed("") +
                framed(std::string(70'000, 'x'));
  for (std::size_t step : {1u, 2u, 7u, 1000u, 100'000u}) {
    lsp_splitter s;
    std::vector<std::string> got;
    for (std::size_t at = 0; at < stream.size(); at += step) {
      s.feed(std::string_view(stream).substr(at, step));
      for (;;) {
        auto one = s.next();
        ASSERT_TRUE(one);
        if (!*one) break;
        got.emplace_back(**one);
      }
    }
    ASSERT_EQ(got.size(), 4u) << step;
    EXPECT_EQ(got[0], "{\"a\":1}");
    EXPECT_EQ(got[1], "{}");
    EXPECT_EQ(got[2], "");
    EXPECT_EQ(got[3].size(), 70'000u);
    s.rest();
    EXPECT_LE(s.memory(), 16u * 1024);
  }
}

TEST(lsp_splitter, refuses_headers_that_do_not_say_how_long_the_message_is) {
  for (auto bad :
       {"Content-Type: x\r\n\r\n{}", "Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}",
        "Content-Length: -2\r\n\r\n{}", "Content-Length: 2x\r\n\r\n{}", "Content-Length: 0x2\r\n\r\n{}",
        "Content-Length:\r\n\r\n{}", "Content-Length: +2\r\n\r\n{}", "Content\r\n\r\n{}", ": 2\r\n\r\n{}",
        "CONNECT example.org HTTP/1.1\r\n\r\n", "Content-Length: 2\n\n{}\r\n\r\n"})
    EXPECT_EQ(refusal_of(bad), base::errc::parse_error) << bad;
  EXPECT_EQ(refusal_of("Content-Length: 1048577\r\n\r\n"), base::errc::message_too_large);
  EXPECT_EQ(refusal_of("Content-Length: 99999999999999999999999999\r\n\r\n"), base::errc::message_too_large);
}

TEST(lsp_splitter, holds_no_more_than_a_header_while_it_waits_for_its_end) {
  lsp_splitter s;
  s.feed("C" + std::string(wire::lsp_header_size_max - 2, 'x'));
  ASSERT_TRUE(s.next());
  s.feed("x");
  EXPECT_FALSE(s.next());
}

TEST(lsp_splitter, takes_a_message_of_a_mebibyte) {
  lsp_splitter s;
  s.feed(framed(std::string(wire::line_size_max, 'x')));
  auto got = s.next();
  ASSERT_TRUE(got && *got);
  EXPECT_EQ((*got)->size(), wire::line_size_max);
}

TEST(lsp_splitter, survives_noise) {
  std::mt19937 random(5);
  const std::string alphabet = "Content-Length: 0123456789\r\n\r\n{}x";
  for (int round = 0; round < 20'000; ++round) {
    lsp_splitter s;
    std::string noise;
    for (auto n = random() % 80; n > 0; --n) noise += alphabet[random() % alphabet.size()];
    s.feed(noise);
    for (int i = 0; i < 5; ++i)
      if (auto got = s.next(); !got || !*got) break;
  }
}
