#include "central/http.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <set>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "base/as_result.hpp"
#include "base/crypto.hpp"
#include "base/file.hpp"
#include "base/log.hpp"

namespace tilld::central {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using asio::ip::tcp;
using base::errc;
using base::error;
using base::result;

namespace {

constexpr std::size_t token_octets = 32;

// The token as text, so that `Authorization: Bearer $(cat central.token)` is all a person has to type.
result<std::string> read_or_make_token(const std::string& path) {
  struct stat found {};
  if (::stat(path.c_str(), &found) != 0) {
    std::array<std::uint8_t, token_octets> fresh;
    base::random_bytes(fresh);
    auto text = base::to_hex(fresh) + "\n";
    if (auto written = base::write_file_durably(path, base::as_bytes(text), 0600); !written)
      return written.error();
  } else if (found.st_mode & 077) {
    return error{errc::storage_failed,
                 path + " can be read by others; remove it, a new one is made at the next start"};
  }
  auto octets = base::read_file(path, 256);
  if (!octets) return octets.error();
  std::string text(base::as_text(*octets));
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.pop_back();
  if (!base::from_hex(text) || text.size() != 2 * token_octets)
    return error{errc::storage_failed, path + " must have 64 hexadecimal digits"};
  return text;
}

// Only what the routes use: no escapes, no empty parts. Anything else is a path that does not exist.
bool split_target(std::string_view target, http_request& to) {
  auto mark = target.find('?');
  auto path = target.substr(0, mark);
  if (path.empty() || path.front() != '/') return false;
  auto plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
  };
  std::string part;
  for (char c : path.substr(1)) {
    if (c == '/') {
      if (part.empty()) return false;
      to.path.push_back(std::exchange(part, {}));
    } else if (plain(c)) {
      part += c;
    } else {
      return false;
    }
  }
  if (part.empty()) return false;
  to.path.push_back(part);
  if (mark == std::string_view::npos) return true;
  auto query = target.substr(mark + 1);
  while (!query.empty()) {
    auto end = std::min(query.find('&'), query.size());
    auto pair = query.substr(0, end);
    query.remove_prefix(std::min(end + 1, query.size()));
    auto equal = pair.find('=');
    if (equal == std::string_view::npos ||
        !std::all_of(pair.begin(), pair.begin() + static_cast<long>(equal), plain) ||
        !std::all_of(pair.begin() + static_cast<long>(equal) + 1, pair.end(), plain))
      return false;
    to.query.emplace_back(pair.substr(0, equal), pair.substr(equal + 1));
  }
  return true;
}

http_answer problem(int status, const error& why) { return {status, http_error_body(why), {}}; }

}  // namespace

std::string http_error_body(const error& why) {
  boost::json::object inner{{"kind", base::describe(why.code).kind},
                            {"number", static_cast<int>(why.code)},
                            {"detail", why.detail},
                            {"hint", base::describe(why.code).hint}};
  return boost::json::serialize(boost::json::object{{"error", inner}});
}

class http_server::listener : public std::enable_shared_from_this<listener> {
 public:
  listener(asio::io_context& io, std::string token, http_route route, limits l)
      : io_(io), acceptor_(io), token_(std::move(token)), route_(std::move(route)), limits_(l) {}

  result<> open(const wire::loopback_address& at) {
    boost::system::error_code why;
    tcp::endpoint where(asio::ip::make_address(at.host), at.port);
    acceptor_.open(where.protocol(), why);
    if (!why) acceptor_.set_option(tcp::acceptor::reuse_address(true), why);
    if (!why) acceptor_.bind(where, why);
    if (!why) acceptor_.listen(tcp::acceptor::max_listen_connections, why);
    if (why) return error{errc::listen_refused, at.text() + ": " + why.message()};
    auto port_text = ":" + std::to_string(port());
    hosts_ = {"127.0.0.1" + port_text, "localhost" + port_text, "[::1]" + port_text};
    if (at.host != "127.0.0.1" && at.host != "::1") hosts_.insert(at.host + port_text);
    auto run = accept_all(shared_from_this());
    asio::co_spawn(io_, std::move(run), asio::detached);
    return {};
  }

  std::uint16_t port() const {
    boost::system::error_code ignored;
    return acceptor_.local_endpoint(ignored).port();
  }

  void stop() {
    stopping_ = true;
    boost::system::error_code ignored;
    acceptor_.close(ignored);
    for (auto* stream : streams_) stream->close();
  }

 private:
  static asio::awaitable<void> accept_all(std::shared_ptr<listener> self) {
    asio::steady_timer pause(self->io_);
    while (!self->stopping_) {
      auto accepted = co_await self->acceptor_.async_accept(base::as_result);
      auto& [why, socket] = accepted;
      if (self->stopping_) co_return;
      if (why) {
        // Out of descriptors: try again in a moment instead of spinning.
        pause.expires_after(std::chrono::milliseconds(200));
        co_await pause.async_wait(base::as_result);
        continue;
      }
      if (self->streams_.size() >= self->limits_.connections_max) continue;  // closed by going out of scope
      auto run = serve(self, std::move(socket));
      asio::co_spawn(self->io_, std::move(run), asio::detached);
    }
  }

  static asio::awaitable<void> serve(std::shared_ptr<listener> self, tcp::socket socket) {
    beast::tcp_stream stream(std::move(socket));
    self->streams_.insert(&stream);
    co_await serve_requests(self, stream);
    self->streams_.erase(&stream);
    boost::system::error_code ignored;
    stream.socket().shutdown(tcp::socket::shutdown_both, ignored);
  }

  static asio::awaitable<void> serve_requests(std::shared_ptr<listener> self, beast::tcp_stream& stream) {
    beast::flat_buffer buffer(self->limits_.head_octets_max + self->limits_.body_octets_max);
    auto wait = std::chrono::seconds(self->limits_.seconds_for_a_request);
    while (!self->stopping_) {
      http::request_parser<http::string_body> parser;
      parser.header_limit(static_cast<std::uint32_t>(self->limits_.head_octets_max));
      parser.body_limit(self->limits_.body_octets_max);
      stream.expires_after(wait);
      auto [head_problem, head_size] =
          co_await http::async_read_header(stream, buffer, parser, base::as_result);
      if (head_problem) {
        if (head_problem == http::error::body_limit) {
          auto too_large = problem(413, {errc::message_too_large, "the body of a request is too large"});
          co_await answer(self, stream, std::move(too_large), 11, false);
        } else if (head_problem == http::error::header_limit ||
                   head_problem == http::error::buffer_overflow) {
          auto too_large = problem(431, {errc::message_too_large, "the head of a request is too large"});
          co_await answer(self, stream, std::move(too_large), 11, false);
        } else if (head_problem.category() == http::make_error_code(http::error::bad_method).category() &&
                   head_problem != http::error::end_of_stream &&
                   head_problem != http::error::partial_message) {
          auto unreadable = problem(400, {errc::invalid_request, "not a readable HTTP request"});
          co_await answer(self, stream, std::move(unreadable), 11, false);
        }
        co_return;
      }
      // Judged before the body is read: who may not ask is not listened to at length.
      auto version = parser.get().version();
      auto refused = self->judge(parser.get());
      if (refused) {
        co_await answer(self, stream, std::move(*refused), version, false);
        co_return;
      }
      stream.expires_after(std::chrono::seconds(self->limits_.seconds_for_a_request));
      auto got = co_await http::async_read(stream, buffer, parser, base::as_result);
      auto& [body_problem, body_size] = got;
      if (body_problem) {
        if (body_problem == http::error::body_limit) {
          auto too_large = problem(413, {errc::message_too_large, "the body of a request is too large"});
          co_await answer(self, stream, std::move(too_large), version, false);
        }
        co_return;
      }
      auto message = parser.release();
      http_request asked;
      asked.method = std::string(message.method_string());
      asked.body = std::move(message.body());
      http_answer made;
      if (!split_target(std::string_view(message.target().data(), message.target().size()), asked)) {
        made = problem(404, {errc::unknown_method, "no such path"});
      } else {
        made = co_await self->ask_route(std::move(asked));
      }
      bool keep = message.keep_alive();
      bool sent = co_await answer(self, stream, std::move(made), version, keep);
      if (!sent || !keep) co_return;
      wait = std::chrono::seconds(self->limits_.seconds_between_requests);
    }
  }

  // The route answers when it can; a timer that never runs out is what this coroutine waits on.
  asio::awaitable<http_answer> ask_route(http_request asked) {
    struct waiting {
      explicit waiting(asio::io_context& io) : done(io) {
        done.expires_at(asio::steady_timer::time_point::max());
      }
      asio::steady_timer done;
      std::optional<http_answer> made;
    };
    auto shared = std::make_shared<waiting>(io_);
    auto then = [shared](http_answer a) {
      shared->made = std::move(a);
      shared->done.cancel();
    };
    route_(std::move(asked), std::move(then));
    while (!shared->made) co_await shared->done.async_wait(base::as_result);
    co_return std::move(*shared->made);
  }

  std::optional<http_answer> judge(const http::request<http::string_body>& message) const {
    // Two Host lines, or one that names another machine, are how a page in a browser reaches for this server.
    auto range = message.equal_range(http::field::host);
    if (std::distance(range.first, range.second) != 1)
      return problem(400, {errc::invalid_request, "one Host line is needed"});
    std::string host(range.first->value());
    if (!hosts_.count(host))
      return problem(421, {errc::forbidden, "the Host line does not name this server"});
    auto given = message.equal_range(http::field::authorization);
    static constexpr std::string_view scheme = "Bearer ";
    std::string presented;
    if (std::distance(given.first, given.second) == 1) {
      auto value = std::string_view(given.first->value().data(), given.first->value().size());
      if (value.substr(0, scheme.size()) == scheme) presented = value.substr(scheme.size());
    }
    if (!base::equal_in_constant_time(base::as_bytes(presented), base::as_bytes(token_)))
      return problem(401, {errc::unauthenticated, "a bearer token is needed; it lies beside the database"});
    return std::nullopt;
  }

  static asio::awaitable<bool> answer(std::shared_ptr<listener> self, beast::tcp_stream& stream,
                                      http_answer a, unsigned version, bool keep) {
    http::response<http::string_body> message(static_cast<http::status>(a.status), version);
    message.set(http::field::content_type, "application/json");
    message.set(http::field::cache_control, "no-store");
    message.set("X-Content-Type-Options", "nosniff");
    if (a.status == 401) message.set(http::field::www_authenticate, "Bearer");
    if (!a.allow.empty()) message.set(http::field::allow, a.allow);
    message.body() = std::move(a.body);
    message.body() += '\n';
    message.keep_alive(keep);
    message.prepare_payload();
    stream.expires_after(std::chrono::seconds(self->limits_.seconds_for_an_answer));
    auto sent = co_await http::async_write(stream, message, base::as_result);
    auto& [why, size] = sent;
    co_return !why;
  }

  asio::io_context& io_;
  tcp::acceptor acceptor_;
  std::string token_;
  http_route route_;
  limits limits_;
  std::set<std::string> hosts_;
  std::set<beast::tcp_stream*> streams_;
  bool stopping_ = false;
};

result<std::unique_ptr<http_server>> http_server::listen(asio::io_context& io,
                                                         const wire::loopback_address& at,
                                                         const std::string& token_path, http_route route,
                                                         limits l) {
  auto token = read_or_make_token(token_path);
  if (!token) return token.error();
  auto made = std::make_shared<listener>(io, std::move(*token), std::move(route), l);
  if (auto open = made->open(at); !open) return open.error();
  return std::unique_ptr<http_server>(new http_server(std::move(made)));
}

http_server::~http_server() { stop(); }
std::uint16_t http_server::port() const { return listener_->port(); }
void http_server::stop() { listener_->stop(); }

result<http_answer> http_ask(const wire::loopback_address& at, const std::string& token_path,
                             const std::string& method, const std::string& target, const std::string& body) {
  auto octets = base::read_file(token_path, 256);
  if (!octets) return octets.error();
  std::string token(base::as_text(*octets));
  while (!token.empty() && (token.back() == '\n' || token.back() == '\r')) token.pop_back();

  asio::io_context io(1);
  result<http_answer> outcome = error{errc::central_unreachable, "no answer from " + at.text()};
  auto run = [&]() -> asio::awaitable<void> {
    beast::tcp_stream stream(io);
    tcp::endpoint where(asio::ip::make_address(at.host), at.port);
    stream.expires_after(std::chrono::seconds(10));
    auto reached = co_await stream.async_connect(where, base::as_result);
    auto& [not_connected] = reached;
    if (not_connected) {
      outcome = error{errc::central_unreachable, at.text() + ": " + not_connected.message()};
      co_return;
    }
    http::request<http::string_body> message(http::string_to_verb(method), target, 11);
    message.set(http::field::host, at.text());
    message.set(http::field::authorization, "Bearer " + token);
    message.set(http::field::connection, "close");
    if (!body.empty()) message.set(http::field::content_type, "application/json");
    message.body() = body;
    message.prepare_payload();
    auto sent = co_await http::async_write(stream, message, base::as_result);
    auto& [write_problem, written] = sent;
    if (write_problem) co_return;
    stream.expires_after(std::chrono::seconds(10));
    beast::flat_buffer buffer;
    http::response_parser<http::string_body> parser;
    parser.body_limit(64 << 20);
    auto got = co_await http::async_read(stream, buffer, parser, base::as_result);
    auto& [read_problem, size] = got;
    if (read_problem) co_return;
    auto answered = parser.release();
    outcome = http_answer{static_cast<int>(answered.result_int()), answered.body(), {}};
  };
  auto running = run();
  asio::co_spawn(io, std::move(running), asio::detached);
  io.run();
  return outcome;
}

}  // namespace tilld::central
