// Messages that are nearly whole, and messages that never end, over every transport: what a client has sent
// of one counts before it is whole, and nobody waits for the rest for ever.
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>

#include "tests/hostile/flooded_till.hpp"

using namespace tilld;
using namespace tilld::hostile;
using std::chrono::milliseconds;
using std::chrono::seconds;
using tests::http_client;

namespace {

const std::string ping = R"({"jsonrpc":"2.0","id":1,"method":"system.ping"})";
const std::string chunked =
    "POST /rpc HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n";

// The other side closes, or has something to say.
bool has_word(int fd) {
  pollfd p{fd, POLLIN, 0};
  return ::poll(&p, 1, 0) > 0;
}

// Sends until the other side says something, closes, or has got this much; a send waits for five seconds.
std::size_t pour(int fd, const std::string& piece, std::size_t octets_max) {
  timeval patience{5, 0};
  ::setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  std::size_t sent = 0;
  while (sent < octets_max && !has_word(fd)) {
    auto n = ::send(fd, piece.data(), std::min(piece.size(), octets_max - sent), MSG_NOSIGNAL);
    if (n <= 0) break;
    sent += static_cast<std::size_t>(n);
  }
  return sent;
}

std::string repeated(const std::string& unit, std::size_t octets) {
  std::string all;
  while (all.size() < octets) all += unit;
  return all;
}

}  // namespace

TEST_F(a_flooded_till, ends_what_frames_a_chunk_and_does_not_end) {
  struct {
    std::string begin, unit;
    int status;
  } const all[] = {
      {"2f;", repeated("a", 64 << 10), 431},
      {"2f;a=\"", repeated("a", 64 << 10), 431},
      {"2f", repeated("0", 64 << 10), 431},
      {"2f\r\n" + ping + "\r\n0;", repeated("a", 64 << 10), 431},
      {"2f\r\n" + ping + "\r\n0\r\n", repeated("X: y\r\n", 64 << 10), 431},
      {"2f\r\n" + ping + "\r\n0\r\nX: ", repeated("y", 64 << 10), 431},
      {"", repeated("1;a=b\r\n \r\n", 64 << 10), 413},
  };
  for (auto& one : all) {
    SCOPED_TRACE(one.begin + one.unit.substr(0, 10));
    http_client client;
    ASSERT_TRUE(client.connect_unix(shop_->socket()));
    client.send(chunked + one.begin);
    EXPECT_LT(pour(client.descriptor(), one.unit, 128 << 20), std::size_t(32 << 20));
    look();
    auto answer = client.response();
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->status, one.status) << answer->body;
    EXPECT_TRUE(client.hung_up());
  }
  expect_little_memory();
}

TEST_F(a_flooded_till, holds_little_of_many_messages_that_are_nearly_whole) {
  const std::string much((1 << 20) - 200, ' ');
  const auto size = std::to_string(much.size() + 100);
  const std::string post = "POST /rpc HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n";
  auto frame = http_client::frame(1, much + std::string(100, ' '));
  struct {
    std::string name, octets;
    bool upgrades = false;
  } all[] = {{"lines", "{" + much},
             {"LSP framing", "Content-Length: " + size + "\r\n\r\n" + much},
             {"HTTP with a length", post + "Content-Length: " + size + "\r\n\r\n" + much},
             {"HTTP in chunks", chunked + "fff00\r\n" + much},
             {"WebSocket", frame.substr(0, frame.size() - 100), true}};
  for (auto& one : all) {
    SCOPED_TRACE(one.name);
    std::vector<http_client> clients(72);
    for (auto& client : clients) {
      ASSERT_TRUE(client.connect_unix(shop_->socket()));
      if (one.upgrades) {
        ASSERT_EQ(client.upgrade("Host: x\r\n").value().status, 101);
      }
      (void)pour(client.descriptor(), one.octets, one.octets.size());
    }
    look();
    expect_little_memory();
  }
}

TEST_F(a_flooded_till, holds_next_to_nothing_of_a_web_socket_that_has_not_signed_on) {
  auto frame = http_client::frame(1, std::string(1 << 20, ' '));
  // What a frame says it has is enough to know; a message of many frames becomes too long at its second.
  auto parts = http_client::frame(1, std::string(60 << 10, ' '), false);
  auto more = http_client::frame(0, std::string(60 << 10, ' '), false);
  for (bool in_parts : {false, true})
    for (int i = 0; i < 20; ++i) {
      http_client client;
      ASSERT_TRUE(client.connect_tcp(shop_->http_port));
      auto host = "Host: 127.0.0.1:" + std::to_string(shop_->http_port) + "\r\n";
      ASSERT_EQ(client.upgrade(host).value().status, 101);
      if (in_parts) {
        client.send(parts);
        client.send(more);
      } else {
        (void)pour(client.descriptor(), frame, frame.size() - 100);
      }
      auto told = client.next_frame();
      ASSERT_TRUE(told);
      EXPECT_EQ(told->close_code(), 1009);
    }
  look();
  if (memory_is_measured) {
    EXPECT_LT(most_, idle_ + (16 << 20));
  }
}
