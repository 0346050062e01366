#include "daemon/server/http_body.hpp"

#include <gtest/gtest.h>

#include <functional>

using namespace tilld;
using daemon::http_body;

namespace {

constexpr std::size_t octets_max = 100;

std::string head(const std::string& field) {
  return "POST /rpc HTTP/1.1\r\nHost: x\r\n" + field + "\r\n\r\n";
}
const std::string chunked = "Transfer-Encoding: chunked";

// What came of it: the body, "413 the body is too large", or "more".
std::string read(const std::string& field, std::string octets, std::size_t piece_size) {
  auto parsed = wire::parse_http_head(head(field));
  EXPECT_TRUE(parsed);
  http_body body(*parsed, octets_max);
  std::string held;
  while (!body.whole()) {
    if (octets.empty()) return "more";
    auto piece = octets.substr(0, piece_size);
    octets.erase(0, piece.size());
    held += piece;
    auto used = body.feed(held);
    if (!used) return std::to_string(used.error().status) + " " + used.error().why;
    held.erase(0, *used);
  }
  return body.take() + (held.empty() ? "" : ", and " + held);
}

}  // namespace

TEST(a_body_over_http, ends_where_its_length_or_its_last_chunk_says_however_it_comes) {
  for (std::size_t piece_size : {1u, 2u, 7u, 1000u}) {
    EXPECT_EQ(read("Content-Length: 5", "hello", piece_size), "hello");
    EXPECT_EQ(read("Content-Length: 0", "", piece_size), "");
    EXPECT_EQ(read("Content-Length: 5", "hell", piece_size), "more");
    EXPECT_EQ(read(chunked, "3\r\nhel\r\n2;a=b\r\nlo\r\n0\r\nX: y\r\n\r\n", piece_size), "hello");
    EXPECT_EQ(read(chunked, "0\r\n\r\n", piece_size), "");
    EXPECT_EQ(read(chunked, "00a \t;a=\"b c\"\r\n0123456789\r\n000\r\n\r\n", piece_size), "0123456789");
    EXPECT_EQ(read(chunked, "3\r\nhel\r\n", piece_size), "more");
  }
  EXPECT_EQ(read("Content-Length: 5", "helloPOST", 1000), "hello, and POST") << "the next request";
}

TEST(a_body_over_http, is_refused_when_it_is_too_large_or_none) {
  for (std::size_t piece_size : {1u, 1000u}) {
    EXPECT_EQ(read(chunked, "65\r\n" + std::string(101, 'x'), piece_size), "413 the body is too large");
    std::string small;
    for (int i = 0; i < 101; ++i) small += "1\r\nx\r\n";
    EXPECT_EQ(read(chunked, small, piece_size), "413 the body is too large");
    for (std::string wrong :
         {"zz\r\n", "\r\n", ";a\r\n", "-1\r\n", "+1\r\n", "0x1\r\n", "1 1\r\n", " 1\r\n", "1 \r\n", "1\n",
          "1;\1\r\n", "1;\r\r\n", "10000000000000000\r\n", "0\r\nX\r\n\r\n", "0\r\nX: \1\r\n\r\n"})
      EXPECT_EQ(read(chunked, wrong, piece_size), "400 the body cannot be read") << wrong;
    EXPECT_EQ(read(chunked, "3\r\nhello\r\n", piece_size), "400 the body cannot be read");
  }
}

TEST(a_body_over_http, is_refused_when_what_frames_its_chunks_does_not_end) {
  const std::string much(9000, 'a');
  const std::string why = "431 what frames a chunk has more than 8 KiB or 64 fields";
  for (std::size_t piece_size : {1u, 4096u}) {
    EXPECT_EQ(read(chunked, "2f;" + much, piece_size), why);
    EXPECT_EQ(read(chunked, "2f;a=\"" + much, piece_size), why);
    EXPECT_EQ(read(chunked, "0;" + much, piece_size), why);
    EXPECT_EQ(read(chunked, "0\r\nX: " + much, piece_size), why);
    std::string fields = "2\r\n{}\r\n0\r\n";
    for (int i = 0; i < 65; ++i) fields += "X: y\r\n";
    EXPECT_EQ(read(chunked, fields, piece_size), why);
  }
}
