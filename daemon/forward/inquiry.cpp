#include "daemon/forward/inquiry.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>

#include "base/as_result.hpp"

namespace tilld::daemon {

namespace asio = boost::asio;
namespace sync = wire::sync;
using asio::ip::tcp;
using base::errc;
using base::error;
using base::result;

class inquiry::line {
 public:
  line(asio::any_io_executor executor, const signatures& keys, options how)
      : socket(executor), deadline(executor), keys_(keys), how_(std::move(how)) {}

  asio::awaitable<result<>> open() {
    limit();
    auto endpoint = tcp::endpoint(asio::ip::make_address(how_.address.host), how_.address.port);
    auto reached = co_await socket.async_connect(endpoint, base::as_result);
    auto& [not_connected] = reached;
    if (not_connected)
      co_return error{errc::central_unreachable, how_.address.text() + ": " + not_connected.message()};
    hello_.software = how_.who.software;
    hello_.merchant = how_.who.merchant;
    hello_.till = how_.who.till;
    hello_.key = how_.who.key;
    hello_.expected_role = how_.expected_role;
    hello_.head = how_.head;
    base::random_bytes(hello_.till_nonce);
    auto greeting = hello_.encode();
    auto answer =
        co_await exchange(sync::frame_type::hello, std::move(greeting), sync::frame_type::challenge);
    if (!answer) co_return answer.error();
    auto c = sync::challenge::parse(*answer);
    if (!c) co_return c.error();
    if (how_.expected_key && *how_.expected_key != c->central_key)
      co_return error{errc::destination_changed, "it has the key " + base::to_hex(c->central_key) +
                                                     ", expected was " + base::to_hex(*how_.expected_key)};
    if (!keys_.verify(c->central_key, sync::challenge_text(hello_, c->central_nonce, c->central_key),
                      c->signature))
      co_return error{errc::destination_changed,
                      "it could not prove the key " + base::to_hex(c->central_key)};
    challenge_ = *c;
    co_return result<>();
  }

  asio::awaitable<result<std::string>> ask(std::string method, std::string params) {
    limit();
    sync::question q{std::move(method), std::move(params), {}};
    q.signature = keys_.sign(
        q.signed_text(hello_, challenge_.central_nonce, challenge_.central_key, last_request_ + 1));
    auto octets = q.encode();
    auto answer = co_await exchange(sync::frame_type::question, std::move(octets), sync::frame_type::reply);
    if (!answer) co_return answer.error();
    co_return std::string(base::as_text(*answer));
  }

  const base::public_key& central_key() const { return challenge_.central_key; }

  tcp::socket socket;
  asio::steady_timer deadline;

 private:
  // From now on there is so much time until the next call of this.
  void limit() {
    deadline.expires_after(how_.answer_max);
    deadline.async_wait([this](boost::system::error_code stopped) {
      boost::system::error_code ignored;
      if (!stopped) socket.close(ignored);
    });
  }

  asio::awaitable<result<base::byte_string>> exchange(sync::frame_type type, base::byte_string payload,
                                                      sync::frame_type wanted) {
    auto request = ++last_request_;
    auto octets = sync::encode_frame(type, request, payload);
    if (!octets) co_return octets.error();
    auto whole = asio::buffer(*octets);
    auto sent = co_await asio::async_write(socket, whole, base::as_result);
    auto& [not_sent, size] = sent;
    if (not_sent) co_return error{errc::central_unreachable, "writing failed: " + not_sent.message()};
    base::byte_string chunk(16 << 10);
    for (;;) {
      auto next = reader_.next();
      if (!next) co_return next.error();
      if (*next) {
        auto& f = **next;
        // What nobody asked for closes the connection, and says why.
        if (f.type == sync::frame_type::refusal && (f.request == request || f.request == 0)) {
          auto no = sync::refusal::parse(f.payload);
          co_return no ? no->as_error() : no.error();
        }
        if (f.request != request) continue;
        if (f.type != wanted) co_return error{errc::parse_error, "the destination answered out of turn"};
        deadline.cancel();
        co_return std::move(f.payload);
      }
      auto into = asio::buffer(chunk);
      auto got = co_await socket.async_read_some(into, base::as_result);
      auto& [ended, count] = got;
      if (ended) co_return error{errc::central_unreachable, "the connection ended: " + ended.message()};
      reader_.feed(base::byte_view(chunk).first(count));
    }
  }

  const signatures& keys_;
  options how_;
  sync::hello hello_;
  sync::challenge challenge_;
  sync::frame_reader reader_{sync::frame_reader::for_peers};
  std::uint64_t last_request_ = 0;
};

inquiry::inquiry(asio::any_io_executor executor, const signatures& keys, options how)
    : line_(std::make_unique<line>(std::move(executor), keys, std::move(how))) {}

// The handler of the deadline refers to the line, and a timer that is cancelled has not run its handler yet.
inquiry::~inquiry() {
  auto rest = std::shared_ptr<line>(std::move(line_));
  boost::system::error_code ignored;
  rest->socket.close(ignored);
  rest->deadline.cancel();
  auto executor = rest->deadline.get_executor();
  asio::post(executor, [rest] {});
}

asio::awaitable<result<>> inquiry::open() { return line_->open(); }

asio::awaitable<result<std::string>> inquiry::ask(std::string method, std::string params) {
  return line_->ask(std::move(method), std::move(params));
}

const base::public_key& inquiry::central_key() const { return line_->central_key(); }

}  // namespace tilld::daemon
