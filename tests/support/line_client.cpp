#include "tests/support/line_client.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace tilld::tests {
namespace {

using clock = std::chrono::steady_clock;

int milliseconds_until(clock::time_point until) {
  auto left = std::chrono::duration_cast<std::chrono::milliseconds>(until - clock::now()).count();
  return static_cast<int>(std::max<std::int64_t>(0, left));
}

template <class Connect>
int connect_until(clock::time_point until, Connect connect) {
  for (;;) {
    int fd = connect();
    if (fd >= 0 || clock::now() >= until) return fd;
    ::poll(nullptr, 0, 5);
  }
}

}  // namespace

line_client::line_client(line_client&& o) noexcept
    : fd_(std::exchange(o.fd_, -1)),
      inbox_(std::move(o.inbox_)),
      next_id_(o.next_id_),
      notifications_(std::move(o.notifications_)),
      answers_(std::move(o.answers_)) {}

line_client& line_client::operator=(line_client&& o) noexcept {
  close();
  fd_ = std::exchange(o.fd_, -1);
  inbox_ = std::move(o.inbox_);
  next_id_ = o.next_id_;
  notifications_ = std::move(o.notifications_);
  answers_ = std::move(o.answers_);
  return *this;
}

line_client::~line_client() { close(); }

void line_client::close() {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
  inbox_.clear();
  answers_.clear();
}

bool line_client::connect_unix(const std::string& path, milliseconds at_most) {
  close();
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
  fd_ = connect_until(clock::now() + at_most, [&] {
    int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0) return fd;
    ::close(fd);
    return -1;
  });
  return fd_ >= 0;
}

bool line_client::connect_tcp(std::uint16_t port, milliseconds at_most) {
  close();
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  fd_ = connect_until(clock::now() + at_most, [&] {
    int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int on = 1;
    ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0) return fd;
    ::close(fd);
    return -1;
  });
  return fd_ >= 0;
}

bool line_client::send_raw(std::string_view octets) {
  while (!octets.empty()) {
    auto n = ::send(fd_, octets.data(), octets.size(), MSG_NOSIGNAL);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return false;
    octets.remove_prefix(static_cast<std::size_t>(n));
  }
  return true;
}

std::optional<std::string> line_client::read_line(milliseconds at_most) {
  auto until = clock::now() + at_most;
  for (;;) {
    if (auto end = inbox_.find('\n'); end != std::string::npos) {
      auto line = inbox_.substr(0, end);
      inbox_.erase(0, end + 1);
      return line;
    }
    if (fd_ < 0) return std::nullopt;
    pollfd p{fd_, POLLIN, 0};
    if (::poll(&p, 1, milliseconds_until(until)) <= 0) return std::nullopt;
    char chunk[65536];
    auto n = ::recv(fd_, chunk, sizeof chunk, 0);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) {
      ::close(std::exchange(fd_, -1));
      continue;
    }
    inbox_.append(chunk, static_cast<std::size_t>(n));
  }
}

std::int64_t line_client::send(const std::string& method, const boost::json::object& params) {
  auto id = next_id_++;
  boost::json::object request{{"jsonrpc", "2.0"}, {"id", id}, {"method", method}, {"params", params}};
  send_raw(boost::json::serialize(request) + "\n");
  return id;
}

std::optional<boost::json::object> line_client::answer(std::int64_t id, milliseconds at_most) {
  auto until = clock::now() + at_most;
  for (;;) {
    if (auto early = answers_.extract(id)) return std::move(early.mapped());
    auto line = read_line(milliseconds(milliseconds_until(until)));
    if (!line) return std::nullopt;
    auto message = boost::json::parse(*line).as_object();
    if (message.contains("method"))
      notifications_.push_back(std::move(message));
    else if (auto* got = message.if_contains("id"); got && got->is_int64())
      answers_[got->get_int64()] = std::move(message);
  }
}

std::optional<boost::json::object> line_client::call(const std::string& method,
                                                     const boost::json::object& params,
                                                     milliseconds at_most) {
  return answer(send(method, params), at_most);
}

std::optional<boost::json::object> line_client::next_event(const std::string& topic, milliseconds at_most) {
  auto until = clock::now() + at_most;
  for (;;) {
    for (auto at = notifications_.begin(); at != notifications_.end(); ++at) {
      auto* params = at->if_contains("params");
      auto* got = params && params->is_object() ? params->get_object().if_contains("topic") : nullptr;
      if (got && got->is_string() && got->get_string() == topic) {
        auto found = params->get_object();
        notifications_.erase(at);
        return found;
      }
    }
    auto line = read_line(milliseconds(milliseconds_until(until)));
    if (!line) return std::nullopt;
    auto message = boost::json::parse(*line).as_object();
    if (message.contains("method")) notifications_.push_back(std::move(message));
  }
}

}  // namespace tilld::tests
