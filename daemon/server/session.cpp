#include "daemon/server/session.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "base/as_result.hpp"
#include "daemon/server/hang_up.hpp"

namespace tilld::daemon {

namespace asio = boost::asio;
using base::errc;
using std::chrono::steady_clock;

namespace {

constexpr auto sign_on_wait = std::chrono::seconds(5);
constexpr std::size_t chunk_size = 16 * 1024;
// A client may say as much as it likes; after this long it is somebody else's turn.
constexpr auto turn_max = std::chrono::microseconds(100);
constexpr std::size_t unread_kept = 16 * 1024;

}  // namespace

session::session(socket s, std::shared_ptr<caller> who, till_parts& till, connection_memory& memory,
                 http_taker to_http)
    : socket_(std::move(s)),
      who_(std::move(who)),
      memory_(memory),
      to_http_(std::move(to_http)),
      more_(socket_.get_executor()),
      room_(socket_.get_executor()),
      sign_on_(socket_.get_executor()),
      talk_(std::make_shared<conversation>(who_, till, memory, *this)) {
  boost::system::error_code ignored;
  socket_.non_blocking(true, ignored);
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
    if (still->out_.empty()) {
      still->talk_->refuse({errc::busy, "this connection held too much memory"});
      boost::system::error_code ignored;
      still->socket_.write_some(asio::buffer(still->out_), ignored);
    }
    still->close();
  });
  talk_->listen_to_events();
  asio::co_spawn(socket_.get_executor(), write_loop(), asio::detached);
  if (!talk_->signed_on()) {
    sign_on_.expires_after(sign_on_wait);
    sign_on_.async_wait([weak](boost::system::error_code failed) {
      if (auto still = weak.lock(); still && !failed && !still->talk_->signed_on()) still->close();
    });
  }
  co_await read_loop();
  // What was asked is carried to its end although nobody waits: an operation does not depend on its listener.
  talk_->leave();
  close();
  // Its calls in hand may keep this object for a while, but not its buffers.
  lines_ = {};
  lsp_.reset();
  std::string().swap(out_);
  if (!handed_over_) memory_.leave(who_->connection);
}

asio::awaitable<void> session::read_loop() {
  auto chunk = std::make_unique<char[]>(chunk_size);
  auto turn_began = steady_clock::now();
  while (!closed_) {
    auto line = next_message();
    if (!line) {
      talk_->refuse(line.error());
      flush();
      co_return;
    }
    if (*line) {
      talk_->take(**line);
      if (talk_->wants_end()) {
        flush();
        co_return;
      }
      while (!closed_ && !talk_->may_take()) {
        flush();
        // The socket may have taken everything, and then nobody would wake this up.
        if (closed_ || talk_->may_take()) break;
        room_.expires_at(steady_clock::time_point::max());
        co_await room_.async_wait(base::as_result);
      }
      if (steady_clock::now() - turn_began > turn_max) {
        flush();
        co_await asio::post(socket_.get_executor(), asio::use_awaitable);
        turn_began = steady_clock::now();
      }
      continue;
    }
    lsp_ ? lsp_->rest() : lines_.rest();
    flush();
    count_memory();
    if (closed_) co_return;
    auto buffer = asio::buffer(chunk.get(), chunk_size);
    auto got = co_await socket_.async_read_some(buffer, base::as_result);
    auto& [failed, size] = got;
    if (failed == asio::error::eof) {
      talk_->heard_all();
      // The client has said all it wants to say and may still listen, as `echo ... | socat` does.
      close_when_gone();
      while (!closed_ && !idle()) {
        room_.expires_at(steady_clock::time_point::max());
        co_await room_.async_wait(base::as_result);
      }
      co_return;
    }
    if (failed) co_return;
    turn_began = steady_clock::now();
    std::string_view octets(chunk.get(), size);
    if (to_http_ && !recognise(octets)) co_return;
    feed(octets);
  }
}

bool session::other_side_ended() const {
  return look_at(const_cast<socket&>(socket_).native_handle()) != other_end::there;
}

// A call in hand may take minutes, and meanwhile this would keep the place of somebody who listens. On a Unix
// socket the kernel tells as soon as the other end is closed, on TCP when it was reset.
void session::close_when_gone() {
  socket_.async_wait(socket::wait_error, [weak = weak_from_this()](boost::system::error_code failed) {
    auto still = weak.lock();
    if (failed || !still || still->closed_) return;
    if (look_at(still->socket_.native_handle()) == other_end::gone) still->close();
  });
}

bool session::recognise(std::string_view first_octets) {
  auto to_http = std::exchange(to_http_, nullptr);
  char first = first_octets.front();
  if (first < 'A' || first > 'Z') return true;
  if (first == 'C') {
    lsp_.emplace();
    return true;
  }
  closed_ = handed_over_ = true;
  more_.cancel();
  // The new owner joins at once, under the same number.
  memory_.leave(who_->connection);
  to_http(std::move(socket_), who_, std::string(first_octets));
  return false;
}

void session::end_message() {
  if (!lsp_) {
    out_ += '\n';
    return;
  }
  wire::append_lsp_message(out_, message_);
  message_.clear();
  if (message_.capacity() > unread_kept) std::string().swap(message_);
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
  talk_->sent();
}

asio::awaitable<void> session::write_loop() {
  auto self = shared_from_this();
  while (!closed_) {
    if (!writing_) {
      more_.expires_at(steady_clock::time_point::max());
      co_await more_.async_wait(base::as_result);
      continue;
    }
    auto waited = co_await socket_.async_wait(socket::wait_write, base::as_result);
    auto& [failed] = waited;
    if (failed || closed_) break;
    writing_ = false;
    flush();
    count_memory();
    room_.cancel();
  }
  close();
}

void session::count_memory() {
  memory_.set(who_->connection, lines_.memory() + (lsp_ ? lsp_->memory() : 0) + out_.capacity());
}

}  // namespace tilld::daemon
