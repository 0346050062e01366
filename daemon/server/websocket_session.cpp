#include "daemon/server/websocket_session.hpp"

#include <deque>

#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/websocket/stream.hpp>

#include "base/as_result.hpp"
#include "daemon/server/conversation.hpp"
#include "daemon/server/hang_up.hpp"
#include "daemon/server/last_words.hpp"

namespace tilld::daemon {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace websocket = beast::websocket;
using std::chrono::seconds;
using std::chrono::steady_clock;

// Beast asks how a stream of this type is ended.
class websocket_octets : public octet_socket {
 public:
  explicit websocket_octets(octet_socket&& s) : octet_socket(std::move(s)) {}
};
void teardown(beast::role_type, websocket_octets& s, boost::system::error_code& failed) {
  s.shutdown(asio::socket_base::shutdown_send, failed);
}
template <class Handler>
void async_teardown(beast::role_type, websocket_octets& s, Handler&& then) {
  boost::system::error_code failed;
  s.shutdown(asio::socket_base::shutdown_send, failed);
  asio::post(s.get_executor(), beast::bind_front_handler(std::forward<Handler>(then), failed));
}

namespace {

constexpr auto sign_on_wait = seconds(5), handshake_wait = seconds(5), silence_max = seconds(60);
constexpr std::size_t message_buffer_kept = 16 * 1024, piece_size = 16 * 1024;
// Enough for a hello, and all strangers together cannot hold much.
constexpr std::size_t stranger_message_max = 64 * 1024;

class websocket_session final : public connection,
                                public outlet,
                                public std::enable_shared_from_this<websocket_session> {
 public:
  websocket_session(octet_socket s, std::shared_ptr<caller> who, till_parts& till, connection_memory& memory,
                    const std::string& request_head)
      : stream_(websocket_octets(std::move(s))),
        who_(std::move(who)),
        memory_(memory),
        request_head_(request_head),
        more_(stream_.get_executor()),
        room_(stream_.get_executor()),
        sign_on_(stream_.get_executor()),
        talk_(std::make_shared<conversation>(who_, till, memory, *this)) {}

  asio::awaitable<void> run() override {
    auto self = shared_from_this();
    std::weak_ptr<websocket_session> weak = self;
    memory_.join(who_->connection, [weak] {
      if (auto still = weak.lock()) still->close();
    });
    auto accepted = co_await accept();
    if (accepted) {
      talk_->listen_to_events();
      asio::co_spawn(stream_.get_executor(), write_loop(), asio::detached);
      if (!talk_->signed_on()) {
        sign_on_.expires_after(sign_on_wait);
        sign_on_.async_wait([weak](boost::system::error_code stopped) {
          if (auto still = weak.lock(); still && !stopped && !still->talk_->signed_on()) still->close();
        });
      }
      co_await read_loop();
      if (!closed_) co_await say_goodbye();
    }
    // What was asked is carried to its end although nobody waits.
    talk_->leave();
    close();
    in_ = {};
    memory_.leave(who_->connection);
  }

  void close() override {
    if (closed_) return;
    closed_ = true;
    boost::system::error_code ignored;
    stream_.next_layer().close(ignored);
    more_.cancel();
    room_.cancel();
    sign_on_.cancel();
  }
  const std::string& principal() const override { return who_->principal; }
  bool closed() const override { return closed_; }
  bool other_side_ended() const override {
    return look_at(const_cast<websocket_octets&>(stream_.next_layer()).native_handle()) != other_end::there;
  }
  bool idle() const override { return talk_->in_flight().empty() && queue_.empty(); }

 private:
  std::string& begin_message() override { return queue_.emplace_back(); }
  void end_message() override { unsent_ += queue_.back().size(); }
  void flush() override {
    more_.cancel();
    count_memory();
  }
  std::size_t unsent() const override { return unsent_; }
  void call_ended() override { room_.cancel(); }
  std::shared_ptr<void> keep() override { return shared_from_this(); }

  asio::awaitable<bool> accept() {
    websocket::stream_base::timeout times{handshake_wait, silence_max, true};
    stream_.set_option(times);
    beast::http::request_parser<beast::http::empty_body> parser;
    boost::system::error_code failed;
    parser.put(asio::buffer(request_head_), failed);
    if (failed && failed != beast::http::error::need_more) co_return false;
    auto request = parser.release();
    std::string().swap(request_head_);
    // The page offered this subprotocol or none; only what was offered may be chosen.
    bool offered = request.find(beast::http::field::sec_websocket_protocol) != request.end();
    auto decorate = [offered](websocket::response_type& reply) {
      reply.erase(beast::http::field::server);
      if (offered)
        reply.set(beast::http::field::sec_websocket_protocol,
                  beast::string_view(websocket_protocol.data(), websocket_protocol.size()));
    };
    stream_.set_option(websocket::stream_base::decorator(decorate));
    auto accepted = co_await stream_.async_accept(request, base::as_result);
    auto& [refused] = accepted;
    co_return !refused && !closed_;
  }

  asio::awaitable<void> read_loop() {
    while (!closed_) {
      stream_.read_message_max(talk_->signed_on() ? wire::line_size_max : stranger_message_max);
      auto whole = co_await read_message();
      if (!whole) co_return;
      if (!stream_.got_text()) {
        reason_ = {websocket::close_code::unknown_data, "text messages only"};
        co_return;
      }
      talk_->take({static_cast<const char*>(in_.data().data()), in_.size()});
      in_.consume(in_.size());
      if (in_.capacity() > message_buffer_kept) in_.shrink_to_fit();
      flush();
      if (talk_->wants_end()) {
        if (!talk_->signed_on()) reason_ = {websocket::close_code::policy_error, "not signed on"};
        co_return;
      }
      while (!closed_ && !talk_->may_take()) {
        room_.expires_at(steady_clock::time_point::max());
        co_await room_.async_wait(base::as_result);
      }
    }
  }

  // In pieces, so that a message that never ends is counted as it grows. False at the end of the connection.
  asio::awaitable<bool> read_message() {
    for (;;) {
      count_memory();
      if (closed_) co_return false;
      auto got = co_await stream_.async_read_some(in_, piece_size, base::as_result);
      auto& [failed, size] = got;
      if (failed || closed_) {
        // Beast has told the other side why, where there was somebody to tell.
        if (failed == websocket::error::closed || failed == websocket::error::message_too_big)
          co_await let_last_words_arrive(stream_.next_layer());
        close();
        co_return false;
      }
      if (stream_.is_message_done()) co_return true;
    }
  }

  asio::awaitable<void> write_loop() {
    auto self = shared_from_this();
    while (!closed_) {
      if (queue_.empty()) {
        more_.expires_at(steady_clock::time_point::max());
        co_await more_.async_wait(base::as_result);
        continue;
      }
      stream_.text(true);
      auto octets = asio::buffer(queue_.front());
      auto wrote = co_await stream_.async_write(octets, base::as_result);
      auto& [failed, size] = wrote;
      if (failed || closed_) break;
      unsent_ -= queue_.front().size();
      queue_.pop_front();
      count_memory();
      room_.cancel();
      talk_->sent();
    }
    close();
    // Its calls in hand may keep this object for a while, but not what nobody will read.
    queue_.clear();
  }

  // What was said is written, then the other side is told that this is the end.
  asio::awaitable<void> say_goodbye() {
    while (!closed_ && !queue_.empty()) {
      room_.expires_at(steady_clock::time_point::max());
      co_await room_.async_wait(base::as_result);
    }
    if (closed_) co_return;
    auto ended = co_await stream_.async_close(reason_, base::as_result);
    (void)ended;
    if (!closed_) co_await let_last_words_arrive(stream_.next_layer());
  }

  void count_memory() { memory_.set(who_->connection, in_.capacity() + unsent_); }

  websocket::stream<websocket_octets> stream_;
  std::shared_ptr<caller> who_;
  connection_memory& memory_;
  std::string request_head_;
  beast::flat_buffer in_;
  std::deque<std::string> queue_;
  std::size_t unsent_ = 0;
  websocket::close_reason reason_ = websocket::close_code::normal;
  asio::steady_timer more_, room_, sign_on_;
  std::shared_ptr<conversation> talk_;
  bool closed_ = false;
};

}  // namespace

std::shared_ptr<connection> open_websocket(octet_socket s, std::shared_ptr<caller> who, till_parts& till,
                                           connection_memory& memory, const std::string& request_head) {
  return std::make_shared<websocket_session>(std::move(s), std::move(who), till, memory, request_head);
}

}  // namespace tilld::daemon
