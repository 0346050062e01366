#include "wire/http_head.hpp"

#include <gtest/gtest.h>

#include <random>

using namespace tilld;

namespace {

std::string head(const std::string& first, const std::string& fields = "Host: 127.0.0.1:7701\r\n") {
  return first + "\r\n" + fields + "\r\n";
}
int status_of(const std::string& octets) {
  auto got = wire::parse_http_head(octets);
  return got ? 200 : got.error().status;
}
int status_with(const std::string& fields) {
  return status_of(head("POST /rpc HTTP/1.1", "Host: 127.0.0.1:7701\r\n" + fields));
}

}  // namespace

TEST(http_head, is_read) {
  auto got =
      wire::parse_http_head(head("POST /rpc?a=1 HTTP/1.1",
                                 "HOST:127.0.0.1:7701\r\nContent-Length: 12 \r\nConnection: keep-alive, "
                                 "Upgrade\r\nConnection:x\r\nEmpty:\r\n"));
  ASSERT_TRUE(got);
  EXPECT_EQ(got->method, "POST");
  EXPECT_EQ(got->path, "/rpc");
  EXPECT_EQ(got->query, "a=1");
  EXPECT_EQ(*got->find("host"), "127.0.0.1:7701");
  EXPECT_EQ(*got->find("empty"), "");
  EXPECT_EQ(got->find("origin"), nullptr);
  EXPECT_EQ(got->content_length, 12u);
  EXPECT_TRUE(got->lists("connection", "upgrade"));
  EXPECT_TRUE(got->lists("connection", "x"));
  EXPECT_FALSE(got->lists("connection", "keep"));
}

TEST(http_head, says_where_it_ends) {
  EXPECT_EQ(wire::http_head_size("GET / HTTP/1.1\r\n\r"), std::string::npos);
  EXPECT_EQ(wire::http_head_size("GET / HTTP/1.1\r\n\r\nbody"), 18u);
}

TEST(http_head, is_refused_when_its_first_line_is_none) {
  for (auto bad :
       {"GET /", "GET", "", " GET / HTTP/1.1", "GET  / HTTP/1.1", "GET / HTTP/1.1 ", "GET\t/ HTTP/1.1",
        "GET / http/1.1", "GET / HTTP/1.1x", "GET / HTTP/11", "GET http://127.0.0.1:7701/rpc HTTP/1.1",
        "CONNECT 127.0.0.1:7701 HTTP/1.1", "OPTIONS * HTTP/1.1", "GET /a b HTTP/1.1", "GET /#x HTTP/1.1",
        "G(T / HTTP/1.1", "GET /\x7f HTTP/1.1", "GET /\xc3\xa4 HTTP/1.1"})
    EXPECT_EQ(status_of(head(bad)), 400) << bad;
  EXPECT_EQ(status_of(head("GET / HTTP/1.0")), 505);
  EXPECT_EQ(status_of(head("PRI * HTTP/2.0")), 505);
}

TEST(http_head, is_refused_when_two_readers_could_read_it_differently) {
  for (auto bad :
       {"Host: 127.0.0.1:7701\r\n", "Content-Length: 1\r\nContent-Length: 1\r\n",
        "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n", "Content-Length: +1\r\n",
        "Content-Length: 1, 1\r\n", "Content-Length: 0x1\r\n", "Content-Length: \r\n", "X: a\r\n folded\r\n",
        "X : a\r\n", " X: a\r\n", "X\r\n", ": a\r\n", "X: a\x01\r\n", "X: a\nY: b\r\n", "X: a\rY: b\r\n",
        "Origin: https://a\r\nOrigin: https://a\r\n", "Authorization: a\r\nauthorization: a\r\n",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", "X\xc3\xa4: a\r\n"})
    EXPECT_EQ(status_with(bad), 400) << bad;
  EXPECT_EQ(status_with(std::string("X: a\0b\r\n", 8)), 400);
  EXPECT_EQ(status_of("POST /rpc HTTP/1.1\n\nHost: x\r\n\r\n"), 400);
  EXPECT_EQ(status_of("POST /rpc HTTP/1.1\r\n\r\n"), 400);
  for (auto coding : {"gzip", "chunked, chunked", "gzip, chunked", "identity", "xchunked", "chunked;a", ""})
    EXPECT_EQ(status_with("Transfer-Encoding: " + std::string(coding) + "\r\n"), 501) << coding;
  EXPECT_EQ(status_with("Transfer-Encoding: Chunked\r\n"), 200);
}

TEST(http_head, is_bounded) {
  std::string many;
  for (int i = 0; i < 64; ++i) many += "X: 1\r\n";
  EXPECT_EQ(status_with(many), 431);
  auto huge = wire::parse_http_head(
      head("POST /rpc HTTP/1.1", "Host: a\r\nContent-Length: 99999999999999999999999\r\n"));
  ASSERT_TRUE(huge);
  EXPECT_EQ(*huge->content_length, UINT64_MAX);
}

TEST(http_head, survives_noise) {
  std::mt19937 random(11);
  const std::string alphabet = "GET /rpc HTTP/1.1\r\nHost: a\r\n\r\n,;:\t\0x";
  for (int round = 0; round < 20'000; ++round) {
    std::string noise;
    for (auto n = random() % 80; n > 0; --n) noise += alphabet[random() % alphabet.size()];
    (void)wire::parse_http_head(noise + "\r\n\r\n");
  }
}
