#include "daemon/plugins/plugin_set.hpp"

#include <algorithm>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/json.hpp>

#include "base/as_result.hpp"
#include "base/log.hpp"
#include "base/strict_json.hpp"
#include "plugin-api/catalogue.hpp"
#include "wire/base64.hpp"

namespace tilld::daemon {

namespace asio = boost::asio;

plugin_set::plugin_set(asio::any_io_executor executor, const base::clock& clock, host_settings settings,
                       event_hub& hub)
    : executor_(std::move(executor)), clock_(clock), settings_(std::move(settings)), hub_(hub) {}

void plugin_set::start(const std::vector<plugin_config>& plugins) {
  for (auto& p : plugins) {
    instances_.push_back(
        std::make_shared<instance>(executor_, p, settings_, clock_, static_cast<plugin_owner&>(*this)));
    asio::co_spawn(executor_, instances_.back()->run(), asio::detached);
  }
}

asio::awaitable<void> plugin_set::stop() {
  // One after the other would add up their times; each stop is bounded, and they do not wait for each other.
  auto left = std::make_shared<std::size_t>(instances_.size());
  asio::steady_timer all_done(executor_, std::chrono::steady_clock::time_point::max());
  for (auto& one : instances_) {
    auto finished = [left, &all_done](std::exception_ptr) {
      if (--*left == 0) all_done.cancel();
    };
    asio::co_spawn(executor_, one->stop(), std::move(finished));
  }
  while (*left > 0) co_await all_done.async_wait(base::as_result);
  // Their processes are dead or dying; each is reaped before the till goes.
  for (int turn = 0; turn < 200; ++turn) {
    if (std::all_of(instances_.begin(), instances_.end(), [](auto& i) { return i->finished(); })) break;
    all_done.expires_after(std::chrono::milliseconds(10));
    co_await all_done.async_wait(base::as_result);
  }
}

std::shared_ptr<instance> plugin_set::find(std::string_view interface, std::string_view name) const {
  std::shared_ptr<instance> fallback;
  for (auto& one : instances_) {
    if (!name.empty() && one->instance_name() != name) continue;
    if (!one->provides(interface)) continue;
    if (one->state() == plugin_state::ready) return one;
    if (!fallback) fallback = one;
  }
  return fallback;
}

std::shared_ptr<instance> plugin_set::find(std::string_view name) const {
  for (auto& one : instances_)
    if (one->instance_name() == name) return one;
  return nullptr;
}

boost::json::array plugin_set::describe() const {
  boost::json::array list;
  for (auto& one : instances_) list.push_back(one->describe());
  return list;
}

bool plugin_set::all_well() const {
  return std::all_of(instances_.begin(), instances_.end(),
                     [](auto& i) { return i->state() == plugin_state::ready; });
}

void plugin_set::plugin_event(instance& from, const wire::plugin_message& message) {
  auto slash = message.name.find('/');
  auto dot = message.name.find('.', slash == std::string::npos ? 0 : slash);
  auto interface = std::string_view(message.name).substr(0, dot);
  if (slash == std::string::npos || !from.provides(interface)) {
    from.fault("sends events of an interface that it does not provide");
    return;
  }
  boost::system::error_code failed;
  auto value = base::parse_json(message.body.empty() ? "{}" : message.body, failed);
  if (failed || !value.is_object()) {
    from.violates_schema("event", message.name, "body: is not a JSON object");
    return;
  }
  auto& data = value.get_object();
  auto complaint = catalogue::check(message.name, data);
  if (interface.starts_with("tilld.") && !catalogue::find_topic(message.name))
    complaint = "there is no such event";
  if (complaint) {
    from.violates_schema("event", message.name, *complaint);
    return;
  }
  if (!message.blob.empty()) data["blob"] = wire::to_base64(message.blob);
  auto topic = catalogue::till_name(message.name);
  auto text = boost::json::serialize(data);
  if (on_event)
    on_event(std::move(topic), from.instance_name(), std::move(text));
  else
    hub_.publish(std::move(topic), from.instance_name(), std::move(text));
}

void plugin_set::plugin_request(instance& from, wire::plugin_message request) {
  if (on_request) on_request(from, std::move(request));
}

void plugin_set::plugin_changed(instance& which, plugin_state before) {
  boost::json::object data{
      {"name", which.instance_name()}, {"state", name(which.state())}, {"before", name(before)}};
  hub_.publish("plugins.changed", "tilld", boost::json::serialize(data));
  if (on_changed) on_changed(which, before);
}

}  // namespace tilld::daemon
