// The plugin on a bench: its C functions called by a host in one thread, whose clock is turned by hand and
// whose state service is a map that outlives the plugin. Sockets are real, so everything waits for a
// condition, with an end.
#pragma once

#include <tilld/plugin.h>

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <boost/json.hpp>

namespace tilld::escpos::test {

// Something else with descriptors that must be served while the plugin works.
class bystander {
 public:
  virtual ~bystander() = default;
  virtual std::vector<int> descriptors() const = 0;
  virtual void on_readable(int descriptor) = 0;
  virtual void on_turn() {}
};

struct answered {
  tilld_status status;
  boost::json::object body;
  std::string blob;

  std::string kind() const { return body.contains("kind") ? std::string(body.at("kind").as_string()) : ""; }
  std::string detail() const {
    return body.contains("detail") ? std::string(body.at("detail").as_string()) : "";
  }
};

class plugin_bench : public tilld_host {
 public:
  plugin_bench();
  ~plugin_bench();
  plugin_bench(const plugin_bench&) = delete;

  tilld_status start(const boost::json::object& config);
  void
  stop();  // also the nearest thing to a crash: the plugin does nothing on its way out that reaches anybody

  std::uint64_t request(const char* name, const boost::json::object& body, const std::string& blob = "",
                        std::uint32_t deadline_ms = 30'000);
  // Serves plugin and bystanders until the answer is there; fails the test after ten seconds.
  answered answer_to(std::uint64_t id);
  bool has_answer(std::uint64_t id) const { return answers_.contains(id); }
  answered call(const char* name, const boost::json::object& body, const std::string& blob = "",
                std::uint32_t deadline_ms = 30'000);

  bool run_until(const std::function<bool()>& condition);
  void run_turns(int count);       // for "nothing more happens": each turn serves everything that is ready
  void advance(std::uint32_t ms);  // turns the clock and calls the timers that became due

  std::map<std::string, boost::json::value> state;  // what the daemon remembers for this instance
  bool state_fails = false;
  std::function<bool(const std::string& word, const std::string& key)>
      withhold_state;  // true: never answered
  std::vector<boost::json::object> events;
  std::vector<std::string> logged;
  std::vector<bystander*> bystanders;

 private:
  struct message {
    std::uint32_t kind;
    std::uint64_t id;
    tilld_status status;
    std::string name, body;
  };

  static plugin_bench& of(const tilld_host* host);
  tilld_status take(const tilld_message& m);
  void answer_state(std::uint64_t id, const std::string& name, const boost::json::object& body);
  void deliver(const message& m, const std::string& blob = "", std::uint32_t deadline_ms = 0);
  void call_due_timers();
  void turn(int wait_ms);
  std::uint64_t clock_ms() const;

  const tilld_plugin* plugin_;
  void* instance_ = nullptr;
  std::map<int, short> watched_;
  std::map<std::uint32_t, std::uint64_t> timers_;
  std::vector<message> to_plugin_;
  std::map<std::uint64_t, answered> answers_;
  std::uint64_t last_id_ = 0, turned_ms_ = 0;
};

}  // namespace tilld::escpos::test
