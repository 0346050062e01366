// One plugin instance as the daemon sees it: started, watched, asked, and started again when it dies. What it
// does wrong stays its own: a crash, a hang, a flood or a second answer ends or marks this instance and
// delays no other.
//
// One lane per instance: at most lane_width requests are with the plugin at a time, the others wait here,
// cashier work before background work, and a wait counts against the deadline of the request. [I/O thread]
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/json/object.hpp>

#include "base/clock.hpp"
#include "daemon/plugins/host_link.hpp"
#include "daemon/plugins/lane.hpp"
#include "daemon/plugins/plugin_words.hpp"
#include "daemon/plugins/supervision.hpp"
#include "daemon/plugins/timer_in_front.hpp"
#include "daemon/plugins/violations.hpp"
#include "wire/plugin_frame.hpp"

namespace tilld::daemon {

struct plugin_request {
  std::string name;  // "tilld.printer/1.print"
  std::string body;  // JSON object
  std::string blob;
  std::uint32_t deadline_ms = 5000;
  urgency how = urgency::cashier;
  // While it waits for its turn, a wish ends it with `not_given` and errc::cancelled. With the plugin, the
  // plugin is told, and its answer says what became of it. May be null.
  std::shared_ptr<base::cancellation> cancel = nullptr;
  // What the request counts for in memory; given back as soon as the plugin has it.
  std::shared_ptr<void> lent = nullptr;
};

struct plugin_reply {
  // What is known of the plugin's part in it.
  enum class phase {
    answered,   // it answered; status says what
    not_given,  // it never saw the request
    lost,       // it had the request and then died, or its time ran out: it may have acted
  } what = phase::not_given;
  std::int32_t status = 0;
  std::string body;
  std::string blob;
  base::error why;  // unless answered with status 0
};

class instance;

// What an instance asks of the daemon and tells it.
class plugin_owner {
 public:
  virtual ~plugin_owner() = default;
  virtual void plugin_event(instance& from, const wire::plugin_message& event) = 0;
  // A request of the plugin (tilld.state/1.get ...); the answer goes back by reply().
  virtual void plugin_request(instance& from, wire::plugin_message request) = 0;
  virtual void plugin_changed(instance& which, plugin_state before) = 0;
};

class instance : public std::enable_shared_from_this<instance> {
 public:
  static constexpr std::size_t lane_width = 8, lane_waiting_max = 64;

  instance(boost::asio::any_io_executor executor, plugin_config how, host_settings settings,
           const base::clock& clock, plugin_owner& owner);
  ~instance();

  // Runs until stop(); spawned once.
  boost::asio::awaitable<void> run();
  bool finished() const { return finished_; }
  // Asks the plugin to let go, waits a bounded time, then kills.
  boost::asio::awaitable<void> stop();
  // Ends the present run, if any, and tries again at once with a clean slate.
  void restart();

  boost::asio::awaitable<plugin_reply> ask(plugin_request request);
  // Answers a request of the plugin. Id and name are those of the request: the plugin's host passes on
  // nothing that is named like a message of its own.
  void reply(const wire::plugin_message& request, std::int32_t status, std::string_view body);

  const plugin_config& configured() const { return how_; }
  const std::string& instance_name() const { return how_.name; }
  plugin_state state() const { return life_.state(); }
  const std::string& reason() const { return life_.reason(); }
  bool provides(std::string_view interface) const;
  const std::vector<std::string>& provided() const { return self_.provides; }
  bool uses(std::string_view interface) const;
  const std::string& plugin_id() const { return self_.id; }
  // Notes a wrong behaviour that is no death; shown with a count.
  void fault(const std::string& what);
  // Notes a message of the plugin that does not fit: what is "event", "reply" or "request". The complaint may
  // quote what the message holds, so it is logged under check_schemas alone.
  void violates_schema(std::string_view what, std::string_view name, const std::string& complaint);
  // For tillctl plugins: state, reason, restarts, faults, sandbox, pid.
  boost::json::object describe() const;

 private:
  struct pending {
    boost::asio::steady_timer timer;
    std::optional<wire::plugin_message> answer;
    bool lost = false;
    std::string name;
  };

  boost::asio::awaitable<host_ending> live();
  boost::asio::awaitable<std::optional<wire::plugin_message>> receive(
      std::chrono::steady_clock::time_point until);
  boost::asio::awaitable<std::optional<base::error>> start_plugin();
  boost::asio::awaitable<void> serve();
  void tell_to_cancel(std::uint64_t request);
  void check_for_hang();
  boost::asio::awaitable<void> watch_for_hang();
  bool send(const wire::plugin_message_view& message);
  void take(wire::plugin_message message);
  void take_hello(const wire::plugin_message& message);
  void fail_pending();
  void end_run(const std::string& reason);
  void die_on_purpose();
  // Looks at what the daemon itself sends, under check_schemas.
  void check_own(std::string_view what, std::string_view name, std::string_view body) const;

  boost::asio::any_io_executor executor_;
  plugin_config how_;
  host_settings settings_;
  const base::clock& clock_;
  plugin_owner& owner_;
  supervision life_;
  boost::asio::steady_timer wake_;

  std::shared_ptr<host_link> link_;
  std::string forced_reason_;  // why the daemon itself ended this run
  bool stopping_ = false, restart_wanted_ = false, checking_hang_ = false, given_up_device_ = false,
       finished_ = true;

  plugin_self_description self_;

  std::uint64_t next_id_ = 1;
  std::map<std::uint64_t, std::shared_ptr<pending>> pending_;
  std::set<std::uint64_t> given_up_;  // requests whose time ran out: a late answer is no fault
  lane lane_;
  timer_in_front in_front_;

  std::uint32_t faults_ = 0;
  std::string last_fault_;
  violations violations_;
  std::uint64_t messages_in_window_ = 0, window_began_ms_ = 0, flooded_windows_ = 0;
};

}  // namespace tilld::daemon
