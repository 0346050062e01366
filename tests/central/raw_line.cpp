#include "tests/central/raw_line.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace tilld::tests {

namespace sync = wire::sync;

raw_line::raw_line(std::uint16_t port) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  timeval limit{patience.count(), 0};
  ::setsockopt(fd_.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  ::setsockopt(fd_.get(), SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  at.sin_port = htons(port);
  EXPECT_EQ(::connect(fd_.get(), reinterpret_cast<sockaddr*>(&at), sizeof at), 0);
}

bool raw_line::send(base::byte_view octets) {
  while (!octets.empty()) {
    auto n = ::send(fd_.get(), octets.data(), octets.size(), MSG_NOSIGNAL);
    if (n <= 0) return false;
    octets = octets.subspan(static_cast<std::size_t>(n));
  }
  return true;
}

bool raw_line::send(sync::frame_type type, std::uint64_t request, base::byte_view payload) {
  auto octets = sync::encode_frame(type, request, payload);
  EXPECT_TRUE(octets);
  return octets && send(*octets);
}

std::optional<sync::frame> raw_line::receive() {
  std::uint8_t chunk[16384];
  for (;;) {
    auto next = reader_.next();
    if (!next) return std::nullopt;
    if (*next) return std::move(**next);
    auto n = ::recv(fd_.get(), chunk, sizeof chunk, 0);
    if (n <= 0) return std::nullopt;
    reader_.feed({chunk, static_cast<std::size_t>(n)});
  }
}

bool raw_line::something_arrived() const {
  pollfd look{fd_.get(), POLLIN, 0};
  return ::poll(&look, 1, 0) != 0;
}

bool raw_line::closed_by_peer() {
  std::uint8_t chunk[16384];
  for (;;) {
    auto n = ::recv(fd_.get(), chunk, sizeof chunk, 0);
    if (n == 0) return true;
    if (n < 0) return errno == ECONNRESET;
  }
}

bool raw_line::sign_on(const test_till& till, base::chain_head head) {
  sync::hello h;
  h.merchant = "shop";
  h.till = till.name;
  h.software = "by hand";
  h.key = till.key.public_half();
  h.head = head;
  h.start_counter = till.start_counter;
  h.instance = till.instance;
  send(sync::frame_type::hello, 1, h.encode());
  auto f = receive();
  if (!f || f->type != sync::frame_type::challenge) return false;
  auto c = sync::challenge::parse(f->payload);
  if (!c) return false;
  sync::proof p{till.key.sign(sync::proof_text(h, c->central_nonce, c->central_key))};
  send(sync::frame_type::proof, 1, p.encode());
  f = receive();
  return f && f->type == sync::frame_type::welcome;
}

std::size_t raw_line::send_until_stuck(base::byte_view frame, std::size_t octets_max) {
  auto flags = ::fcntl(fd_.get(), F_GETFL);
  ::fcntl(fd_.get(), F_SETFL, flags | O_NONBLOCK);
  std::size_t sent = 0, at = 0;
  while (sent < octets_max) {
    auto n = ::send(fd_.get(), frame.data() + at, frame.size() - at, MSG_NOSIGNAL);
    if (n > 0) {
      sent += static_cast<std::size_t>(n);
      at = (at + static_cast<std::size_t>(n)) % frame.size();
      continue;
    }
    if (errno != EAGAIN) break;
    // Stuck means that the other side takes nothing for a while; then it has filled what it is willing to
    // hold.
    pollfd wait{fd_.get(), POLLOUT, 0};
    if (::poll(&wait, 1, 500) == 0) break;
  }
  ::fcntl(fd_.get(), F_SETFL, flags);
  return sent;
}

}  // namespace tilld::tests
