#include "plugins/escpos-printer/tcp_link.hpp"

#include <arpa/inet.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/ioctl.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <utility>

namespace tilld::escpos {
namespace {

constexpr std::uint16_t usual_port = 9100;

// What the system may hold back of a receipt. Without a limit it takes megabytes, and "sent" would mean
// little.
constexpr int send_buffer_bytes = 64 * 1024;

error bad_address(std::string_view text) {
  return {errc::invalid_params,
          "address: must be an IP address and a port such as 192.0.2.7:9100, not " + std::string(text)};
}

void set(int socket, int level, int option, int value) {
  ::setsockopt(socket, level, option, &value, sizeof value);
}

}  // namespace

result<tcp_address> tcp_address::parse(std::string_view text) {
  auto host = text, port = std::string_view();
  if (text.starts_with('[')) {
    auto end = text.find(']');
    if (end == text.npos) return bad_address(text);
    host = text.substr(1, end - 1);
    port = text.substr(end + 1);
    if (!port.empty() && port.front() != ':') return bad_address(text);
    if (!port.empty()) port.remove_prefix(1);
  } else if (auto colon = text.find(':'); colon != text.npos && text.find(':', colon + 1) == text.npos) {
    host = text.substr(0, colon);
    port = text.substr(colon + 1);
    if (port.empty()) return bad_address(text);
  }
  std::uint16_t number = usual_port;
  if (!port.empty()) {
    auto [end, failed] = std::from_chars(port.data(), port.data() + port.size(), number);
    if (failed != std::errc{} || end != port.data() + port.size() || number == 0) return bad_address(text);
  }

  tcp_address out;
  std::string numeric(host);
  sockaddr_in four{};
  sockaddr_in6 six{};
  if (::inet_pton(AF_INET, numeric.c_str(), &four.sin_addr) == 1) {
    four.sin_family = AF_INET;
    four.sin_port = htons(number);
    out.size = sizeof four;
    std::memcpy(&out.storage, &four, sizeof four);
  } else if (::inet_pton(AF_INET6, numeric.c_str(), &six.sin6_addr) == 1) {
    six.sin6_family = AF_INET6;
    six.sin6_port = htons(number);
    out.size = sizeof six;
    std::memcpy(&out.storage, &six, sizeof six);
  } else {
    return bad_address(text);
  }
  return out;
}

result<> tcp_link::connect(const tcp_address& to) {
  close();
  socket_.reset(::socket(to.storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!socket_) return lost("cannot make a socket", errno);
  set(socket_.get(), IPPROTO_TCP, TCP_NODELAY, 1);
  set(socket_.get(), SOL_SOCKET, SO_SNDBUF, send_buffer_bytes);
  // A printer that lost its power says nothing; half a minute of silence is asked about.
  set(socket_.get(), SOL_SOCKET, SO_KEEPALIVE, 1);
  set(socket_.get(), IPPROTO_TCP, TCP_KEEPIDLE, 30);
  set(socket_.get(), IPPROTO_TCP, TCP_KEEPINTVL, 10);
  set(socket_.get(), IPPROTO_TCP, TCP_KEEPCNT, 3);
  sent_total_ = 0;
  if (::connect(socket_.get(), reinterpret_cast<const sockaddr*>(&to.storage), to.size) == 0) {
    state_ = state::open;
  } else if (errno == EINPROGRESS) {
    state_ = state::connecting;
  } else {
    return lost("cannot connect", errno);
  }
  return {};
}

void tcp_link::close() {
  socket_.reset();
  state_ = state::closed;
  outgoing_.clear();
  received_.clear();
  written_ = 0;
}

void tcp_link::abort() {
  linger at_once{1, 0};
  if (socket_) ::setsockopt(socket_.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  close();
}

short tcp_link::events() const {
  if (state_ == state::connecting) return POLLOUT;
  return short(POLLIN | (unsent() > 0 ? POLLOUT : 0));
}

result<> tcp_link::on_ready(short events) {
  if (state_ == state::connecting) return finish_connecting();
  if (events & (POLLIN | POLLHUP | POLLERR)) {
    auto received = receive();
    if (!received) return received.error();
  }
  return flush();
}

std::string tcp_link::take_received() { return std::exchange(received_, {}); }

void tcp_link::send(std::string_view bytes) { outgoing_ += bytes; }

result<> tcp_link::flush() {
  while (state_ == state::open && unsent() > 0) {
    ssize_t n = ::send(socket_.get(), outgoing_.data() + written_, unsent(), MSG_NOSIGNAL);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return {};
    if (n < 0) return lost("the connection broke while sending", errno);
    written_ += std::size_t(n);
    sent_total_ += std::uint64_t(n);
  }
  if (unsent() == 0) drop_unsent();
  return {};
}

void tcp_link::drop_unsent() {
  outgoing_.clear();
  written_ = 0;
}

bool tcp_link::everything_acknowledged() const {
  int waiting = 0;
  return unsent() == 0 && (::ioctl(socket_.get(), SIOCOUTQ, &waiting) != 0 || waiting == 0);
}

result<> tcp_link::finish_connecting() {
  int failed = 0;
  socklen_t size = sizeof failed;
  ::getsockopt(socket_.get(), SOL_SOCKET, SO_ERROR, &failed, &size);
  if (failed) return lost("cannot connect", failed);
  state_ = state::open;
  return {};
}

result<> tcp_link::receive() {
  char chunk[1024];
  // A printer that sends its answers byte by byte waits for the acknowledgement of each; ours shall not
  // dawdle.
  set(socket_.get(), IPPROTO_TCP, TCP_QUICKACK, 1);
  for (;;) {
    ssize_t n = ::recv(socket_.get(), chunk, sizeof chunk, 0);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return {};
    if (n < 0) return lost("the connection broke", errno);
    if (n == 0) return lost("the printer closed the connection", 0);
    received_.append(chunk, std::size_t(n));
    if (std::size_t(n) < sizeof chunk) return {};
  }
}

error tcp_link::lost(const std::string& what, int error_number) {
  state_ = state::closed;
  return {errc::device_gone, error_number ? what + ": " + errno_text(error_number) : what};
}

}  // namespace tilld::escpos
