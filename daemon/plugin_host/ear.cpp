#include "daemon/plugin_host/ear.hpp"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include <boost/json.hpp>

#include "daemon/plugin_host/instance.hpp"
#include "wire/plugin_instance.hpp"

namespace tilld::daemon::plugin_host {

namespace json = boost::json;
namespace names = wire::plugin_instance;
using wire::plugin_message_kind;

ear::ear(int socket, std::size_t read_size_max, instance& it)
    : socket_(socket), read_size_(std::clamp<std::size_t>(read_size_max, 1, chunk_size)), it_(it) {}

void ear::read() {
  const std::lock_guard hold(guard_);
  // The other thread may have read the stop since this one was told that there is something.
  if (gone_ || told_to_stop_) return;
  const auto size = ::recv(socket_, chunk_.data(), read_size_, MSG_DONTWAIT);
  if (size < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)) return;
  if (size <= 0) return hang_up(exit_code::daemon_gone);
  reader_.feed({chunk_.data(), static_cast<std::size_t>(size)});
  for (;;) {
    auto message = reader_.next();
    if (!message) return hang_up(exit_code::protocol_error);
    if (!*message) return;
    route(std::move(**message));
  }
}

void ear::route(wire::plugin_message message) {
  const bool request = message.kind == plugin_message_kind::request;
  if (request && message.name == names::stop) {
    told_to_stop_ = true;
    return it_.stop(message);
  }
  if (request && message.name == names::busy_since) return it_.answer_busy_since(message);
  if (message.kind == plugin_message_kind::event && message.name == names::cancel) {
    json::error_code failed;
    const auto body = json::parse(message.body, failed);
    const auto* object = failed ? nullptr : body.if_object();
    const auto* id = object ? object->if_contains("id") : nullptr;
    if (id && id->is_number() && !id->is_double()) it_.cancel(id->to_number<std::uint64_t>(failed));
    return;
  }
  it_.deliver(std::move(message));
}

void ear::hang_up(exit_code why) {
  gone_ = true;
  it_.hang_up(why);
}

bool ear::gone() const {
  const std::lock_guard hold(guard_);
  return gone_;
}

void ear::cover() {
  const std::lock_guard hold(guard_);
  gone_ = true;
}

}  // namespace tilld::daemon::plugin_host
