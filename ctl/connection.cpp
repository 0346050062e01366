#include "ctl/connection.hpp"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>

#include <boost/json.hpp>

#include "ctl/members.hpp"
#include "wire/json_rpc.hpp"

namespace tilld::ctl {

using base::errc;
using std::chrono::steady_clock;

namespace {

// Far above what the daemon sends at once; a daemon that has gone mad must not fill the memory of the till.
constexpr std::size_t answer_size_max = 32 << 20;

constexpr const char* admin_socket = "/run/tilld/admin.sock";
constexpr const char* till_socket = "/run/tilld/tilld.sock";

int milliseconds_until(std::optional<steady_clock::time_point> until) {
  if (!until) return -1;
  auto left = std::chrono::ceil<std::chrono::milliseconds>(*until - steady_clock::now()).count();
  return static_cast<int>(std::clamp<decltype(left)>(left, 0, 1'000'000'000));
}

}  // namespace

std::string default_socket() {
  if (auto* named = std::getenv("TILLD_SOCKET"); named && *named) return named;
  return ::access(admin_socket, R_OK | W_OK) == 0 ? admin_socket : till_socket;
}

outcome<connection> connection::open(const std::string& path, base::language l, milliseconds at_most) {
  auto refuse = [&](errc code, const std::string& why) { return complaint({code, path + ": " + why}, l); };
  auto until = steady_clock::now() + at_most;
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof address.sun_path)
    return refuse(errc::wrong_usage, "the path of a socket has 1 to 107 characters");
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  base::unique_fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) return refuse(errc::internal, base::errno_text(errno));
  for (;;) {
    if (::connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0) break;
    if (errno == EINTR) continue;
    // The daemon's queue of those who want to connect is full; there is nothing to wait on but time.
    if (errno == EAGAIN && steady_clock::now() < until) {
      ::poll(nullptr, 0, 10);
      continue;
    }
    if (errno == EAGAIN) return refuse(errc::daemon_silent, "nobody takes the connection");
    if (errno == EACCES || errno == EPERM) return refuse(errc::socket_refused, base::errno_text(errno));
    if (errno == ENOENT) return refuse(errc::daemon_not_running, "there is no such socket");
    if (errno == ECONNREFUSED) return refuse(errc::daemon_not_running, "nobody listens there");
    return refuse(errc::daemon_not_running, base::errno_text(errno));
  }
  connection made(std::move(fd), path, l);
  boost::json::object hello{{"protocol", {{"min", 1}, {"max", 1}}},
                            {"client", {{"name", "tillctl"}, {"version", TILLD_VERSION}}},
                            {"language", l == base::language::german ? "de" : "en"}};
  auto said = made.call("session.hello", std::move(hello), at_most);
  if (!said) return said.error();
  return made;
}

outcome<boost::json::object> connection::call(const std::string& method, boost::json::object params,
                                              milliseconds at_most) {
  auto until = steady_clock::now() + at_most;
  auto id = next_id_++;
  boost::json::object request{
      {"jsonrpc", "2.0"}, {"id", id}, {"method", method}, {"params", std::move(params)}};
  auto line = boost::json::serialize(request) + "\n";
  if (line.size() - 1 > wire::line_size_max)
    return complain(errc::message_too_large,
                    "the request has " + std::to_string(line.size() - 1) + " octets");
  if (auto sent = send(line, until); !sent) return sent.error();
  for (;;) {
    auto got = read_object(until, -1);
    if (!got) {
      if (got.error().kind() == "daemon_silent")
        return complain(errc::daemon_silent, path_ + ": no answer to " + method + " within " +
                                                 std::to_string(at_most.count()) + " ms (--timeout)");
      return got.error();
    }
    auto& answer = **got;
    auto* answered = member(answer, "id");
    if (!answered) {
      notifications_.push_back(std::move(answer));
      continue;
    }
    // An error without an id is about the connection as a whole.
    auto* error = member(answer, "error");
    if (error && error->is_object() && (answered->is_null() || integer_of(answer, "id") == id))
      return complaint::of_daemon(error->get_object());
    if (integer_of(answer, "id") != id) continue;
    auto* result = member(answer, "result");
    if (!result || !result->is_object())
      return complain(errc::daemon_silent, path_ + ": what came is no answer of a tilld");
    return std::move(answer.at("result").get_object());
  }
}

outcome<std::optional<boost::json::object>> connection::next_notification(int interrupted) {
  for (;;) {
    if (!notifications_.empty()) {
      auto first = std::move(notifications_.front());
      notifications_.pop_front();
      return std::optional(std::move(first));
    }
    auto got = read_object(std::nullopt, interrupted);
    if (!got || !*got) return got;
    if (member(**got, "method"))
      notifications_.push_back(std::move(**got));
    else if (auto* error = member(**got, "error"); error && error->is_object())
      return complaint::of_daemon(error->get_object());
  }
}

outcome<> connection::send(std::string_view line, deadline until) {
  while (!line.empty()) {
    auto n = ::send(fd_.get(), line.data(), line.size(), MSG_NOSIGNAL);
    if (n > 0) {
      line.remove_prefix(static_cast<std::size_t>(n));
    } else if (errno == EAGAIN) {
      pollfd wait{fd_.get(), POLLOUT, 0};
      if (::poll(&wait, 1, milliseconds_until(until)) == 0)
        return complain(errc::daemon_silent, path_ + ": does not take the request");
    } else if (errno != EINTR) {
      return {};  // it hung up; what it said before is read and explains why
    }
  }
  return {};
}

outcome<std::optional<boost::json::object>> connection::read_object(deadline until, int interrupted) {
  std::size_t searched = 0;
  for (;;) {
    if (auto end = input_.find('\n', searched); end != std::string::npos) {
      boost::system::error_code failed;
      auto value = boost::json::parse(boost::json::string_view(input_.data(), end), failed);
      input_.erase(0, end + 1);
      if (failed || !value.is_object())
        return complain(errc::daemon_silent, path_ + ": what listens there is no tilld");
      return std::optional(std::move(value.get_object()));
    }
    searched = input_.size();
    if (input_.size() > answer_size_max)
      return complain(errc::daemon_silent, path_ + ": an answer without end");
    pollfd wait[] = {{fd_.get(), POLLIN, 0}, {interrupted, POLLIN, 0}};
    int ready = ::poll(wait, 2, milliseconds_until(until));
    if (ready < 0 && errno == EINTR) continue;
    if (ready == 0) return complain(errc::daemon_silent, path_ + ": no answer in time");
    if (wait[1].revents != 0) return std::optional<boost::json::object>();
    char chunk[64 * 1024];
    auto n = ::recv(fd_.get(), chunk, sizeof chunk, 0);
    if (n > 0)
      input_.append(chunk, static_cast<std::size_t>(n));
    else if (n == 0 || (errno != EAGAIN && errno != EINTR))
      return complain(errc::daemon_not_running, path_ + ": the daemon closed the connection");
  }
}

}  // namespace tilld::ctl
