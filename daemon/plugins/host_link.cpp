#include "daemon/plugins/host_link.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/write.hpp>

#include "base/as_result.hpp"

namespace tilld::daemon {

namespace asio = boost::asio;
using std::chrono::steady_clock;

namespace {

constexpr std::size_t chunk_size = 64 * 1024;
constexpr std::size_t unsent_max = 8 << 20;
// A raster gone by must not keep its megabytes.
constexpr std::size_t buffer_kept_max = 256 * 1024;

}  // namespace

host_link::host_link(launched_host launched)
    : socket_(std::move(launched.socket)),
      host_(std::move(launched.host)),
      chunk_(chunk_size),
      more_(socket_.get_executor()) {
  boost::system::error_code ignored;
  socket_.non_blocking(true, ignored);
}

void host_link::close() {
  closed_ = true;
  boost::system::error_code ignored;
  socket_.close(ignored);
  more_.cancel();
}

asio::awaitable<std::optional<wire::plugin_message>> host_link::receive(steady_clock::time_point until) {
  auto self = shared_from_this();
  asio::steady_timer deadline(socket_.get_executor(), until);
  if (until != steady_clock::time_point::max()) {
    auto give_up = [self](boost::system::error_code failed) {
      if (!failed) self->close();
    };
    deadline.async_wait(std::move(give_up));
  }
  for (;;) {
    auto next = reader_.next();
    if (!next) {
      nonsense_ = next.error();
      co_return std::nullopt;
    }
    if (*next) co_return std::move(**next);
    auto buffer = asio::buffer(chunk_);
    auto got = co_await socket_.async_read_some(buffer, base::as_result);
    auto& [failed, size] = got;
    if (failed) co_return std::nullopt;
    reader_.feed(std::string_view(chunk_.data(), size));
  }
}

bool host_link::send(const wire::plugin_message_view& message) {
  if (closed_ || unsent_.size() > unsent_max) return false;
  bool nothing_waits = unsent_.empty() && being_sent_.empty();
  if (auto appended = wire::append_frame(unsent_, message); !appended) return false;
  if (nothing_waits) {
    // Most of the time the socket takes it at once. What it does not take, an error included, the write loop
    // meets.
    boost::system::error_code failed;
    auto taken = socket_.write_some(asio::buffer(unsent_), failed);
    if (!failed) unsent_.erase(0, taken);
    if (unsent_.empty() && unsent_.capacity() > buffer_kept_max) std::string().swap(unsent_);
  }
  if (!unsent_.empty()) more_.cancel();
  return true;
}

asio::awaitable<void> host_link::write_loop() {
  auto self = shared_from_this();
  while (!closed_) {
    if (unsent_.empty()) {
      more_.expires_at(steady_clock::time_point::max());
      co_await more_.async_wait(base::as_result);
      continue;
    }
    std::swap(unsent_, being_sent_);
    auto buffer = asio::buffer(being_sent_);
    auto wrote = co_await asio::async_write(socket_, buffer, base::as_result);
    auto& [failed, size] = wrote;
    (void)size;
    if (failed) {
      close();
      co_return;
    }
    being_sent_.clear();
    if (being_sent_.capacity() > buffer_kept_max) std::string().swap(being_sent_);
  }
}

}  // namespace tilld::daemon
