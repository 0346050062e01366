#include "daemon/server/http_session.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>

#include "base/as_result.hpp"
#include "daemon/server/conversation.hpp"
#include "daemon/server/hang_up.hpp"
#include "daemon/server/http_asker.hpp"
#include "daemon/server/http_body.hpp"
#include "daemon/server/http_reply.hpp"
#include "daemon/server/last_words.hpp"

namespace tilld::daemon {

namespace asio = boost::asio;
namespace beast = boost::beast;
using base::errc;
using goes = http_verdict::goes;
using std::chrono::seconds;
using std::chrono::steady_clock;

namespace {

constexpr auto head_wait = seconds(5), body_wait = seconds(10), write_wait = seconds(20),
               idle_wait = seconds(30), look_again_wait = seconds(1);
constexpr int requests_max = 10'000;
constexpr std::size_t request_chunk_size = 4 * 1024, body_chunk_size = 16 * 1024;
constexpr std::size_t buffer_kept = 16 * 1024;

class http_session final : public connection,
                           public outlet,
                           public std::enable_shared_from_this<http_session> {
 public:
  http_session(octet_socket s, std::shared_ptr<caller> who, till_parts& till, connection_memory& memory,
               http_surroundings around, std::string already_read)
      : socket_(std::move(s)),
        who_(std::move(who)),
        asks_(who_),
        till_(till),
        memory_(memory),
        around_(std::move(around)),
        deadline_(socket_.get_executor()),
        said_(socket_.get_executor()) {
    auto to = in_.prepare(already_read.size());
    in_.commit(asio::buffer_copy(to, asio::buffer(already_read)));
  }

  asio::awaitable<void> run() override {
    auto self = shared_from_this();
    std::weak_ptr<http_session> weak = self;
    memory_.join(who_->connection, [weak] {
      if (auto still = weak.lock()) still->close();
    });
    for (int n = 1; n <= requests_max && !closed_; ++n) {
      auto goes_on = co_await serve_one(n == requests_max);
      if (!goes_on) break;
    }
    deadline_.cancel();
    if (handed_over_) co_return;
    if (!closed_ && !gone_) co_await let_last_words_arrive(socket_);
    close();
    in_ = {};
    std::string().swap(answer_);
    memory_.leave(who_->connection);
  }

  void close() override {
    if (closed_) return;
    closed_ = true;
    boost::system::error_code ignored;
    socket_.close(ignored);
    deadline_.cancel();
    said_.cancel();
  }
  const std::string& principal() const override { return asks_->principal; }
  bool closed() const override { return closed_; }
  bool other_side_ended() const override {
    return look_at(const_cast<octet_socket&>(socket_).native_handle()) != other_end::there;
  }
  bool idle() const override { return !busy_; }

 private:
  std::string& begin_message() override { return answer_; }
  void end_message() override {}
  void flush() override { said_.cancel(); }
  std::size_t unsent() const override { return answer_.size(); }
  void call_ended() override { said_.cancel(); }
  std::shared_ptr<void> keep() override { return shared_from_this(); }

  void within(seconds time) {
    deadline_.expires_after(time);
    deadline_.async_wait([weak = weak_from_this()](boost::system::error_code stopped) {
      auto still = weak.lock();
      if (!stopped && still) still->close();
    });
  }
  void no_deadline() { deadline_.cancel(); }

  // What was read and not used yet.
  std::string_view unused() const { return {static_cast<const char*>(in_.data().data()), in_.size()}; }
  void count_memory(std::size_t body = 0) {
    memory_.set(who_->connection, in_.capacity() + answer_.capacity() + body);
  }

  // False at the end of the connection.
  asio::awaitable<bool> serve_one(bool last) {
    auto size = co_await read_head();
    if (closed_ || gone_) co_return false;
    busy_ = true;
    auto goes_on = co_await serve_request(size, last);
    busy_ = false;
    co_return goes_on;
  }

  asio::awaitable<bool> serve_request(std::size_t size, bool last) {
    if (size == std::string_view::npos) {
      http_reply too_large{
          431, refusal_body({errc::message_too_large, "the head has more than 8 KiB"}, who_->language), true};
      auto text = reply_text(too_large, nullptr, {});
      co_await write(std::move(text));
      co_return false;
    }
    std::string octets(unused().substr(0, size));
    auto head = wire::parse_http_head(octets);
    if (!head) {
      http_reply unreadable{head.error().status,
                            refusal_body({errc::invalid_request, head.error().why}, who_->language), true};
      auto text = reply_text(unreadable, nullptr, {});
      co_await write(std::move(text));
      co_return false;
    }
    token_check known = [this](std::string_view token, const std::string& origin) {
      if (till_.tokens.find(token, origin)) return token_state::good;
      return around_.tries.too_many(origin, steady_clock::now()) ? token_state::wrong_too_often
                                                                 : token_state::wrong;
    };
    auto verdict = judge(*head, around_.door, known);
    if (verdict.status == 403) log_strange_page(*head);
    asks_ = asker_of(*head, verdict, *who_, around_.door.vouched, till_);
    bool close_after = last || head->lists("connection", "close");
    http_reply reply;
    reply.close = close_after;
    switch (verdict.where) {
      case goes::refused:
        // What stands behind the head may be a body or the next request; it is not looked at.
        reply.close = true;
        reply.status = verdict.status;
        reply.body = refusal_body(verdict.why, asks_->language);
        break;
      case goes::preflight:
        in_.consume(size);
        reply.status = 204;
        break;
      case goes::health:
        in_.consume(size);
        reply.status = till_.journal.failed() ? 503 : 200;
        reply.body = till_.journal.failed() ? R"({"status":"failed"})" : R"({"status":"ok"})";
        break;
      case goes::websocket:
        if (in_.size() > size) {
          reply = {400,
                   refusal_body({errc::invalid_request, "nothing may follow before the upgrade is answered"},
                                who_->language),
                   true};
          break;
        }
        handed_over_ = closed_ = true;
        deadline_.cancel();
        memory_.leave(who_->connection);
        around_.to_websocket(std::move(socket_), asks_, octets);
        co_return false;
      case goes::call: {
        auto body = co_await read_body(size, *head, verdict);
        if (closed_ || gone_) co_return false;
        if (!body) {
          reply = {body.error().status,
                   refusal_body({errc::message_too_large, body.error().why}, who_->language), true};
          if (reply.status == 400)
            reply.body = refusal_body({errc::invalid_request, body.error().why}, who_->language);
          break;
        }
        co_await answer_call(std::move(*body), verdict, reply);
        if (closed_) co_return false;
        break;
      }
    }
    auto text = reply_text(reply, &*head, verdict);
    co_await write(std::move(text));
    co_return !reply.close && !gone_;
  }

  // The size of the next head; npos when it is too large. Sets gone_ when nothing more comes.
  asio::awaitable<std::size_t> read_head() {
    if (in_.size() == 0 && in_.capacity() > buffer_kept) in_.shrink_to_fit();
    count_memory();
    if (closed_) co_return 0;
    bool began = in_.size() > 0;
    // Who connects has something to ask; only between two requests there is time.
    within(began || !asked_before_ ? head_wait : idle_wait);
    asked_before_ = true;
    for (;;) {
      auto size = wire::http_head_size(unused().substr(0, wire::http_head_size_max));
      if (size != std::string_view::npos || in_.size() >= wire::http_head_size_max) {
        no_deadline();
        co_return size;
      }
      auto into = in_.prepare(request_chunk_size);
      auto got = co_await socket_.async_read_some(into, base::as_result);
      auto& [failed, octets] = got;
      if (failed) {
        gone_ = true;
        co_return 0;
      }
      in_.commit(octets);
      count_memory();
      if (!began) within(head_wait);
      began = true;
    }
  }

  asio::awaitable<boost::system::result<std::string, wire::http_fault>> read_body(
      std::size_t head_size, const wire::http_head& head, const http_verdict& verdict) {
    if (head.find("expect")) co_await write("HTTP/1.1 100 Continue\r\n\r\n");
    // Behind the write, which ends with no deadline at all.
    within(body_wait);
    in_.consume(head_size);
    http_body body(head, verdict.body_octets_max);
    while (!closed_) {
      auto used = body.feed(unused());
      if (!used) co_return used.error();
      in_.consume(*used);
      count_memory(body.memory());
      if (closed_ || body.whole()) break;
      auto into = in_.prepare(body_chunk_size);
      auto got = co_await socket_.async_read_some(into, base::as_result);
      auto& [failed, octets] = got;
      if (failed) {
        gone_ = true;
        break;
      }
      in_.commit(octets);
    }
    no_deadline();
    co_return body.take();
  }

  asio::awaitable<void> answer_call(std::string body, const http_verdict& verdict, http_reply& reply) {
    count_memory(body.capacity());
    if (closed_) co_return;
    answer_.clear();
    talk_ = std::make_shared<conversation>(asks_, till_, memory_, *this);
    std::string_view text = body, blob;
    if (verdict.has_blob) {
      auto end = std::min(body.find('\n'), body.size());
      text = std::string_view(body).substr(0, end);
      blob = std::string_view(body).substr(std::min(end + 1, body.size()));
    }
    if (text.size() > wire::line_size_max)
      talk_->refuse({errc::message_too_large, "the JSON text is longer than 1 MiB"});
    else
      talk_->take(text, blob);
    std::string().swap(body);
    count_memory();
    // No deadline here: a call has its own, and may wait for a customer. A page that was loaded anew
    // meanwhile must not keep its place until then.
    waiting_ = answer_.empty();
    if (waiting_) notice_hang_up();
    while (!closed_ && answer_.empty() && !talk_->in_flight().empty()) {
      said_.expires_at(steady_clock::time_point::max());
      co_await said_.async_wait(base::as_result);
    }
    waiting_ = false;
    no_deadline();
    if (talk_->wants_end()) reply.close = true;
    talk_->leave();
    talk_.reset();
    // A request without an id has no answer.
    if (answer_.empty()) reply.status = 204;
    reply.body = std::exchange(answer_, {});
  }

  // Closes when the other side hangs up while a call is worked on; the call goes on. Over TCP nobody can tell
  // whether a client that has ended its side still listens, and one that speaks HTTP does not; on a Unix
  // socket the kernel tells.
  void notice_hang_up() {
    if (watched_) return;
    watched_ = true;
    auto sign = around_.door.vouched ? octet_socket::wait_error : octet_socket::wait_read;
    socket_.async_wait(sign, [weak = weak_from_this()](boost::system::error_code failed) {
      auto still = weak.lock();
      if (!still) return;
      still->watched_ = false;
      if (!failed) still->look_whether_it_hung_up();
    });
  }
  void look_whether_it_hung_up() {
    if (closed_ || !waiting_) return;
    auto found = look_at(socket_.native_handle());
    if (found == other_end::gone || (found == other_end::said_all && !around_.door.vouched)) {
      close();
      return;
    }
    // The next request was sent ahead and lies unread. The socket stays readable whatever comes behind it, so
    // the end is looked for from time to time.
    deadline_.expires_after(look_again_wait);
    deadline_.async_wait([weak = weak_from_this()](boost::system::error_code stopped) {
      if (auto still = weak.lock(); still && !stopped) still->look_whether_it_hung_up();
    });
  }

  asio::awaitable<void> write(std::string text) {
    if (closed_) co_return;
    within(write_wait);
    count_memory(text.capacity());
    auto octets = asio::buffer(text);
    auto wrote = co_await asio::async_write(socket_, octets, base::as_result);
    auto& [failed, n] = wrote;
    if (failed) gone_ = true;
    no_deadline();
  }

  octet_socket socket_;
  std::shared_ptr<caller> who_;   // of the connection
  std::shared_ptr<caller> asks_;  // of the request
  till_parts& till_;
  connection_memory& memory_;
  http_surroundings around_;
  beast::flat_buffer in_;
  std::string answer_;
  std::shared_ptr<conversation> talk_;
  asio::steady_timer deadline_, said_;
  bool closed_ = false, gone_ = false, handed_over_ = false, busy_ = false, waiting_ = false,
       watched_ = false, asked_before_ = false;
};

}  // namespace

std::shared_ptr<connection> open_http(octet_socket s, std::shared_ptr<caller> who, till_parts& till,
                                      connection_memory& memory, http_surroundings around,
                                      std::string already_read) {
  return std::make_shared<http_session>(std::move(s), std::move(who), till, memory, std::move(around),
                                        std::move(already_read));
}

}  // namespace tilld::daemon
