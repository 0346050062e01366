#include "tests/plugin_faults/faults.hpp"

#include <algorithm>

namespace tilld::plugin_faults {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

const std::vector<fault>& faults() {
  static const std::vector<fault> all{
      {"crash", "test_crash", "org.tilld.test.crash.go", "signal 11", true, false},
      {"hang", "test_hang", "org.tilld.test.hang.go", "hung", true, false},
      {"flood", "test_flood", "org.tilld.test.flood.go", "messages a second", false, false},
      {"leak", "test_leak", "org.tilld.test.leak.go", "more memory than it may", true, true},
      {"answers twice", "test_twice", "org.tilld.test.twice.go", "answered a request twice", false, false},
      {"exit", "test_exit", "org.tilld.test.exit.go", "ended its process by itself", true, false},
      {"throws", "test_throw_raw", "org.tilld.test.throw-raw.go", "an exception left the plugin", true,
       false},
  };
  return all;
}

std::string plugins_yaml(const fault& f) {
  return std::string("  - {name: bad, plugin: ") + tests::test_plugin_path(f.plugin) +
         ", memory_max_mib: 128}\n" + "  - {name: good, plugin: simulated}\n";
}

boost::json::object plugin(tests::line_client& admin, const std::string& name) {
  auto answer = admin.call("plugin.list");
  if (!answer || !answer->contains("result")) tests::give_up("plugin.list does not answer");
  for (auto& p : answer->at("result").at("plugins").as_array())
    if (p.at("name").as_string() == name) return p.as_object();
  tests::give_up("there is no plugin " + name);
}

namespace {

template <class True>
bool wait_until(tests::line_client& admin, milliseconds at_most, True is_true) {
  auto until = steady_clock::now() + at_most;
  while (!is_true()) {
    if (steady_clock::now() >= until) return false;
    (void)admin.read_line(milliseconds(20));
  }
  return true;
}

}  // namespace

bool wait_for_state(tests::line_client& admin, const std::string& name, const std::string& state,
                    milliseconds at_most) {
  return wait_until(admin, at_most, [&] { return plugin(admin, name).at("state").as_string() == state; });
}

bool wait_until_said(tests::line_client& admin, const std::string& name, const std::string& text,
                     milliseconds at_most) {
  return wait_until(admin, at_most, [&] {
    auto p = plugin(admin, name);
    for (auto member : {"last_ending", "last_fault"})
      if (auto* said = p.if_contains(member);
          said && said->as_string().find(text) != boost::json::string::npos)
        return true;
    return false;
  });
}

latency measure_good(tests::line_client& till, std::size_t times) {
  latency l;
  std::vector<double> took;
  for (std::size_t i = 0; i < times; ++i) {
    auto begun = steady_clock::now();
    auto answer = till.call("printer.status", {{"device", "good"}});
    took.push_back(std::chrono::duration<double, std::milli>(steady_clock::now() - begun).count());
    ++(answer && answer->contains("result") ? l.answered : l.failed);
  }
  std::sort(took.begin(), took.end());
  l.p50_ms = took[took.size() / 2];
  l.p99_ms = took[took.size() * 99 / 100];
  return l;
}

}  // namespace tilld::plugin_faults
