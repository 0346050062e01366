#include "daemon/server/session.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/json.hpp>

#include "base/log.hpp"
#include "base/step.hpp"

namespace tilld::daemon {

namespace asio = boost::asio;
using base::errc;
using base::error;
using std::chrono::steady_clock;
using wire::append_answer;
using wire::make_error;

namespace {

constexpr auto as_result = asio::as_tuple(asio::use_awaitable);
constexpr auto sign_on_wait = std::chrono::seconds(5);
constexpr std::size_t chunk_size = 16 * 1024;
// Events are dropped behind this much unread output, and behind four times as much nothing is read any more.
constexpr std::size_t unread_events_max = 256 * 1024;
constexpr std::size_t unread_answers_max = 1 << 20;
// A client may say as much as it likes; after this long it is somebody else's turn.
constexpr auto turn_max = std::chrono::microseconds(100);
// What a request in hand takes, measured in lines: its text, the values read from it, what the plugin gets.
constexpr std::size_t lines_a_call_holds = 8, large_line = 4 * 1024;
constexpr std::size_t unread_kept = 16 * 1024;

}  // namespace

session::session(socket s, std::shared_ptr<caller> who, till_parts& till, connection_memory& memory)
    : socket_(std::move(s)),
      who_(std::move(who)),
      till_(till),
      memory_(memory),
      more_(socket_.get_executor()),
      room_(socket_.get_executor()),
      sign_on_(socket_.get_executor()),
      signed_on_(!who_->principal.empty()) {
  boost::system::error_code ignored;
  socket_.non_blocking(true, ignored);
}

session::~session() {
  for (auto id : who_->subscriptions) till_.events.unsubscribe(id);
}

void session::close() {
  if (closed_) return;
  closed_ = true;
  boost::system::error_code ignored;
  socket_.close(ignored);
  more_.cancel();
  room_.cancel();
  sign_on_.cancel();
}

asio::awaitable<void> session::run() {
  auto self = shared_from_this();
  std::weak_ptr<session> weak = self;
  memory_.join(who_->connection, [weak] {
    auto still = weak.lock();
    if (!still) return;
    // Told if the socket takes it; a client that reads nothing will not hear this either.
    std::string line;
    append_answer(line, "null",
                  make_error({errc::busy, "this connection held too much memory"}, still->who_->language));
    boost::system::error_code ignored;
    if (still->out_.empty()) still->socket_.write_some(asio::buffer(line), ignored);
    still->close();
  });
  who_->notify = [weak](const event& e, std::uint64_t subscription) {
    if (auto still = weak.lock()) still->tell(e, subscription);
  };
  asio::co_spawn(socket_.get_executor(), write_loop(), asio::detached);
  if (!signed_on_) {
    sign_on_.expires_after(sign_on_wait);
    sign_on_.async_wait([weak](boost::system::error_code failed) {
      if (auto still = weak.lock(); still && !failed && !still->signed_on_) still->close();
    });
  }
  co_await read_loop();
  // What was asked is carried to its end although nobody waits: an operation does not depend on its listener.
  who_->notify = nullptr;
  for (auto id : who_->subscriptions) till_.events.unsubscribe(id);
  who_->subscriptions.clear();
  close();
  // Its calls in hand may keep this object for a while, but not its buffers.
  lines_ = {};
  std::string().swap(out_);
  memory_.leave(who_->connection);
}

asio::awaitable<void> session::read_loop() {
  auto chunk = std::make_unique<char[]>(chunk_size);
  auto turn_began = steady_clock::now();
  while (!closed_) {
    auto line = lines_.next();
    if (!line) {
      append_answer(out_, "null", make_error(line.error(), who_->language));
      flush();
      co_return;
    }
    if (*line) {
      take_line(**line);
      if (closing_) {
        flush();
        co_return;
      }
      auto held_up = [this] {
        return in_flight_ >= requests_in_flight_max || out_.size() > unread_answers_max;
      };
      while (!closed_ && held_up()) {
        flush();
        // The socket may have taken everything, and then nobody would wake this up.
        if (closed_ || !held_up()) break;
        room_.expires_at(steady_clock::time_point::max());
        co_await room_.async_wait(as_result);
      }
      if (steady_clock::now() - turn_began > turn_max) {
        flush();
        co_await asio::post(socket_.get_executor(), asio::use_awaitable);
        turn_began = steady_clock::now();
      }
      continue;
    }
    lines_.rest();
    flush();
    count_memory();
    if (closed_) co_return;
    auto buffer = asio::buffer(chunk.get(), chunk_size);
    auto got = co_await socket_.async_read_some(buffer, as_result);
    auto& [failed, size] = got;
    if (failed == asio::error::eof) {
      // The client has said all it wants to say and may still listen, as `echo ... | socat` does.
      while (!closed_ && (in_flight_ > 0 || !out_.empty())) {
        room_.expires_at(steady_clock::time_point::max());
        co_await room_.async_wait(as_result);
      }
      co_return;
    }
    if (failed) co_return;
    turn_began = steady_clock::now();
    lines_.feed(std::string_view(chunk.get(), size));
  }
}

void session::take_line(std::string_view line) {
  base::reach(base::step::request_read);
  auto request = wire::parse_request(line);
  if (!request) {
    // Once a connection: the log is for people, and a client can send nonsense faster than they read.
    if (!said_nonsense_)
      base::log(base::log_level::warning, "A client sends what is no request", request.error().why,
                {{"connection", who_->connection}, {"principal", who_->principal}, {"client", who_->client}});
    said_nonsense_ = true;
    append_answer(out_, request.error().id, make_error(request.error().why, who_->language));
    // Before sign-on a line that is no request may be a browser's; it gets one answer and no second try.
    if (!signed_on_) closing_ = true;
    return;
  }
  if (!signed_on_ && request->method != "session.hello") {
    append_answer(out_, request->id.empty() ? "null" : request->id,
                  make_error({errc::hello_required, "the first line must be session.hello with a token"},
                             who_->language));
    closing_ = true;
    return;
  }
  // Without an id nobody would learn what became of it, so nothing is done.
  if (request->id.empty()) {
    if (request->method == "session.bye") closing_ = true;
    return;
  }
  auto found = till_.methods.find(request->method, signed_on_ ? who_->acts_as : role::read);
  if (!found) {
    append_answer(out_, request->id, make_error(found.error(), who_->language));
    return;
  }
  call c{who_, std::move(request->method), std::move(request->params), {}};
  auto* m = *found;
  if (m->quick) {
    auto answer = m->quick(c);
    append_answer(out_, request->id, answer);
    if (c.method == "session.hello") {
      signed_on_ = !who_->principal.empty();
      if (signed_on_)
        sign_on_.cancel();
      else
        closing_ = true;
    }
    if (c.method == "session.bye") closing_ = true;
    return;
  }
  // Only large requests count: 32 small ones in hand are not what fills a memory, and are never refused for
  // others' sake.
  auto lent = line.size() > large_line ? lines_a_call_holds * line.size() : 0;
  if (!memory_.lend(lent)) {
    append_answer(out_, request->id,
                  make_error({errc::busy, "too many large requests are being worked on"}, who_->language));
    return;
  }
  if (m->keeps_raw_params) c.raw_params = std::string(request->raw_params);
  ++in_flight_;
  asio::co_spawn(socket_.get_executor(), serve(std::move(request->id), std::move(c), m->slow, lent),
                 asio::detached);
}

asio::awaitable<void> session::serve(std::string id, call c, slow_call run, std::size_t lent) {
  auto self = shared_from_this();
  auto language = c.who->language;
  wire::answer answer;
  try {
    answer = co_await run(std::move(c));
  } catch (const std::exception& bug) {
    base::log(base::log_level::error, "A call ended with an exception", {{"what", bug.what()}});
    answer = make_error({errc::internal, ""}, language);
  }
  --in_flight_;
  memory_.take_back(lent);
  if (!closed_) {
    append_answer(out_, id, answer);
    flush();
    base::reach(base::step::answered);
  }
  changed();
}

void session::tell(const event& e, std::uint64_t subscription) {
  if (closed_) return;
  if (out_.size() > unread_events_max) {
    ++events_dropped_;
    return;
  }
  if (events_dropped_ > 0) {
    wire::append_notification(out_, "events.dropped", R"({"count":)" + std::to_string(events_dropped_) + "}");
    events_dropped_ = 0;
  }
  auto params = R"({"subscription":)" + std::to_string(subscription) + R"(,"number":)" +
                std::to_string(e.number) + R"(,"topic":)" +
                boost::json::serialize(boost::json::string(e.topic)) + R"(,"source":)" +
                boost::json::serialize(boost::json::string(e.source)) + R"(,"data":)" + e.data + "}";
  wire::append_notification(out_, "events.notify", params);
  flush();
}

// Writes at once what the socket takes; the rest is the write loop's.
void session::flush() {
  if (closed_) return;
  if (writing_) {
    count_memory();
    return;
  }
  std::size_t done = 0;
  while (done < out_.size()) {
    boost::system::error_code failed;
    auto n = socket_.write_some(asio::buffer(out_.data() + done, out_.size() - done), failed);
    if (failed == asio::error::would_block || failed == asio::error::try_again) {
      writing_ = true;
      break;
    }
    if (failed) {
      close();
      return;
    }
    done += n;
  }
  out_.erase(0, done);
  if (writing_) {
    count_memory();
    more_.cancel();
  } else if (out_.capacity() > unread_kept) {
    std::string().swap(out_);
  }
}

asio::awaitable<void> session::write_loop() {
  auto self = shared_from_this();
  while (!closed_) {
    if (!writing_) {
      more_.expires_at(steady_clock::time_point::max());
      co_await more_.async_wait(as_result);
      continue;
    }
    auto waited = co_await socket_.async_wait(socket::wait_write, as_result);
    auto& [failed] = waited;
    if (failed || closed_) break;
    writing_ = false;
    flush();
    count_memory();
    changed();
  }
  close();
}

void session::count_memory() { memory_.set(who_->connection, lines_.memory() + out_.capacity()); }

}  // namespace tilld::daemon
