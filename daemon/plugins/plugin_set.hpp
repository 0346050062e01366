// All plugin instances of this till: started in the order of the configuration, found by the interface that
// they provide. [I/O thread]
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <boost/json/array.hpp>

#include "daemon/events/event_hub.hpp"
#include "daemon/plugins/instance.hpp"

namespace tilld::daemon {

class plugin_set : private plugin_owner {
 public:
  plugin_set(boost::asio::any_io_executor executor, const base::clock& clock, host_settings settings,
             event_hub& hub);

  void start(const std::vector<plugin_config>& plugins);
  // All at once, each with its bounded time.
  boost::asio::awaitable<void> stop();

  // The instance of this name; else, with an empty name, the first one that is ready and provides the
  // interface, or the first that provides it at all. Nothing when there is none.
  std::shared_ptr<instance> find(std::string_view interface, std::string_view name) const;
  std::shared_ptr<instance> find(std::string_view name) const;
  const std::vector<std::shared_ptr<instance>>& all() const { return instances_; }
  boost::json::array describe() const;
  bool all_well() const;

  // Requests of plugins to the daemon.
  std::function<void(instance&, wire::plugin_message)> on_request;
  // An event of a plugin that fits its schema; without this it goes to the hub.
  std::function<void(std::string topic, std::string source, std::string data)> on_event;
  // A plugin came to another state.
  std::function<void(instance&, plugin_state before)> on_changed;

 private:
  void plugin_event(instance& from, const wire::plugin_message& event) override;
  void plugin_request(instance& from, wire::plugin_message request) override;
  void plugin_changed(instance& which, plugin_state before) override;

  boost::asio::any_io_executor executor_;
  const base::clock& clock_;
  host_settings settings_;
  event_hub& hub_;
  std::vector<std::shared_ptr<instance>> instances_;
};

}  // namespace tilld::daemon
