#include "daemon/plugin_host/outbox.hpp"

#include <sys/socket.h>

#include <cerrno>
#include <utility>

namespace tilld::daemon::plugin_host {

outbox::added outbox::add(const wire::plugin_message_view& message, std::chrono::milliseconds patience) {
  std::string frame;
  if (!wire::append_frame(frame, message)) return added::invalid;
  std::unique_lock hold(guard_);
  const auto has_room = [&] { return closed_ || bytes_ == 0 || bytes_ + frame.size() <= bytes_max; };
  if (!room_.wait_for(hold, patience, has_room)) return added::full;
  if (closed_) return added::closed;
  append(std::move(frame));
  return added::yes;
}

void outbox::add_now(const wire::plugin_message_view& message) {
  std::string frame;
  if (!wire::append_frame(frame, message)) return;
  const std::lock_guard hold(guard_);
  append(std::move(frame));
}

void outbox::append(std::string frame) {
  bytes_ += frame.size();
  frames_.push_back(std::move(frame));
}

void outbox::close() {
  const std::lock_guard hold(guard_);
  closed_ = true;
  room_.notify_all();
}

bool outbox::write_to(int socket) {
  const std::lock_guard hold(guard_);
  while (!frames_.empty()) {
    const auto& first = frames_.front();
    const auto sent =
        ::send(socket, first.data() + written_, first.size() - written_, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0) return errno == EAGAIN || errno == EWOULDBLOCK;
    written_ += static_cast<std::size_t>(sent);
    if (written_ < first.size()) continue;
    bytes_ -= first.size();
    written_ = 0;
    frames_.pop_front();
    room_.notify_all();
  }
  return true;
}

std::size_t outbox::bytes() const {
  const std::lock_guard hold(guard_);
  return bytes_;
}

}  // namespace tilld::daemon::plugin_host
