// The ways in which a plugin misbehaves, and how to make it do so. Each is an instance called `bad` beside an
// honest one called `good`.
#pragma once

#include <atomic>
#include <functional>
#include <string>
#include <vector>

#include "tests/support/shop.hpp"

namespace tilld::plugin_faults {

struct fault {
  std::string name;    // "crashes"
  std::string plugin;  // "test_crash"
  // Whether it can be tried on a thread of the daemon: what ends a process ends the daemon there, which is
  // why a process is the rule.
  bool on_a_thread;
  bool uses_memory = false;  // nothing for a sanitizer, which has its own idea of memory
  std::string reason;        // a part of what plugin.list says of it in the end; empty where it stays alive
  // Makes it misbehave again and again until it is told to stop.
  std::function<void(const tests::shop&, const std::atomic<bool>& stop)> provoke;
};

const std::vector<fault>& faults();

// The method that makes a plain test plugin misbehave.
std::string word_of(const fault& f);

// Lines below `plugins:` for the honest instance and this one.
std::string plugins_yaml(const fault& f, const std::string& isolation);

// What plugin.list says of an instance.
boost::json::object describe(const tests::shop& shop, const std::string& instance);

// Waits until plugin.list says so of an instance; what it said last.
boost::json::object wait_for(const tests::shop& shop, const std::string& instance,
                             const std::function<bool(const boost::json::object&)>& what,
                             std::chrono::milliseconds at_most);

}  // namespace tilld::plugin_faults
