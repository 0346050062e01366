#include "daemon/plugin_host/inbox.hpp"

#include <algorithm>
#include <utility>

#include "wire/plugin_instance.hpp"

namespace tilld::daemon::plugin_host {

bool inbox::add(wire::plugin_message message) {
  const std::lock_guard hold(guard_);
  const bool full =
      messages_.size() >= wire::plugin_instance::plugin_waiting_max || bytes_ + size_of(message) > bytes_max;
  if (full && message.kind != wire::plugin_message_kind::reply) return false;
  bytes_ += size_of(message);
  messages_.push_back({std::move(message), clock::now()});
  return true;
}

std::optional<inbox::waiting> inbox::take() {
  const std::lock_guard hold(guard_);
  if (messages_.empty()) return std::nullopt;
  auto first = std::move(messages_.front());
  messages_.pop_front();
  bytes_ -= size_of(first.message);
  return first;
}

std::optional<wire::plugin_message> inbox::take_request(std::uint64_t id) {
  const std::lock_guard hold(guard_);
  const auto found = std::find_if(messages_.begin(), messages_.end(), [id](const waiting& w) {
    return w.message.kind == wire::plugin_message_kind::request && w.message.id == id;
  });
  if (found == messages_.end()) return std::nullopt;
  auto message = std::move(found->message);
  bytes_ -= size_of(message);
  messages_.erase(found);
  return message;
}

std::size_t inbox::count() const {
  const std::lock_guard hold(guard_);
  return messages_.size();
}

}  // namespace tilld::daemon::plugin_host
