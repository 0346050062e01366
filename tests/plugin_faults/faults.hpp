// Ways in which a plugin can misbehave beside a good one, and what the daemon must say of it afterwards.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "tests/support/shop.hpp"

namespace tilld::plugin_faults {

struct fault {
  const char* name;
  const char* plugin;     // of tests/plugins
  const char* method;     // calling it provokes the fault
  const char* said;       // stands in last_ending or last_fault of plugin.list
  bool ends_process;      // the instance dies of it
  bool only_unsanitized;  // needs a limit that a sanitizer does not live with
};

const std::vector<fault>& faults();

// "bad" is the faulty plugin, "good" a simulated one.
std::string plugins_yaml(const fault& f);

// The entry of plugin.list.
boost::json::object plugin(tests::line_client& admin, const std::string& name);
bool wait_for_state(tests::line_client& admin, const std::string& name, const std::string& state,
                    std::chrono::milliseconds at_most = std::chrono::seconds(40));
// Waits until plugin.list says `text` of it.
bool wait_until_said(tests::line_client& admin, const std::string& name, const std::string& text,
                     std::chrono::milliseconds at_most = std::chrono::seconds(40));

struct latency {
  double p50_ms = 0, p99_ms = 0;
  std::size_t answered = 0, failed = 0;
};
// Calls printer.status of the good plugin one after the other: a whole round through an isolated plugin.
latency measure_good(tests::line_client& till, std::size_t times);

}  // namespace tilld::plugin_faults
