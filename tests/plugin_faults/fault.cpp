#include "tests/plugin_faults/fault.hpp"

#include <poll.h>

namespace tilld::plugin_faults {

namespace json = boost::json;
using std::chrono::milliseconds;
using std::chrono::steady_clock;
using tests::line_client;
using tests::shop;

namespace {

// Asks it with a short deadline, again and again. What died is started again once a second, as the daemon
// does it at first; that the daemon waits longer from death to death is forgotten each time.
void ask_again_and_again(const shop& s, const std::atomic<bool>& stop, const std::string& word) {
  line_client admin = s.connect(true);
  auto next_start = steady_clock::now();
  while (!stop) {
    (void)admin.call(word, {{"device", "bad"}, {"deadline_ms", 30}}, milliseconds(1000));
    auto state = describe(s, "bad").at("state");
    if ((state == "waiting" || state == "failed") && steady_clock::now() >= next_start) {
      (void)admin.call("plugin.restart", {{"name", "bad"}});
      next_start = steady_clock::now() + std::chrono::seconds(1);
    }
    ::poll(nullptr, 0, 2);
  }
}

// Has as many requests with it as its lane takes, and more waiting.
void fill_the_lane(const shop& s, const std::atomic<bool>& stop, const std::string& word) {
  std::vector<line_client> lines;
  for (int i = 0; i < 4; ++i) lines.push_back(s.connect(true));
  std::vector<int> in_hand(lines.size(), 0);
  while (!stop) {
    for (std::size_t i = 0; i < lines.size(); ++i) {
      for (; in_hand[i] < 24; ++in_hand[i]) lines[i].send(word, {{"device", "bad"}, {"deadline_ms", 200}});
      while (lines[i].read_line(milliseconds(0))) --in_hand[i];
    }
    ::poll(nullptr, 0, 2);
  }
}

fault plain(std::string name, std::string plugin, bool on_a_thread, std::string reason) {
  fault f{std::move(name), "test_" + plugin, on_a_thread, false, std::move(reason), {}};
  auto word = "org.tilld.test." + plugin + ".go";
  f.provoke = [word](const shop& s, const std::atomic<bool>& stop) { ask_again_and_again(s, stop, word); };
  return f;
}

std::vector<fault> make_faults() {
  std::vector<fault> all;
  all.push_back(plain("crashes", "crash", false, "signal 11"));
  all.push_back(plain("ends its process", "exit", false, "ended its process by itself"));
  all.push_back(plain("throws over the border", "throw_raw", true, "an exception left the plugin"));
  all.back().provoke = [](const shop& s, const std::atomic<bool>& stop) {
    ask_again_and_again(s, stop, "org.tilld.test.throw-raw.go");
  };
  all.push_back(plain("takes all memory", "leak", false, "more memory than it may"));
  all.back().uses_memory = true;
  all.push_back(plain("hangs", "hang", true, "hung"));
  all.push_back(plain("floods", "flood", true, "flooded"));
  all.push_back(plain("answers twice", "twice", true, ""));
  all.push_back(plain("never answers", "silent", true, ""));
  all.back().provoke = [](const shop& s, const std::atomic<bool>& stop) {
    fill_the_lane(s, stop, "org.tilld.test.silent.go");
  };
  return all;
}

}  // namespace

const std::vector<fault>& faults() {
  static const auto all = make_faults();
  return all;
}

std::string word_of(const fault& f) {
  auto name = f.plugin.substr(f.plugin.find('_') + 1);
  if (name == "throw_raw") name = "throw-raw";
  return "org.tilld.test." + name + ".go";
}

std::string plugins_yaml(const fault& f, const std::string& isolation) {
  return "  - {name: good, plugin: simulated}\n  - {name: bad, plugin: " + tests::test_plugin_path(f.plugin) +
         ", isolation: " + isolation + ", memory_max_mib: 64}\n";
}

json::object describe(const shop& s, const std::string& instance) {
  auto admin = s.connect(true);
  auto list = admin.call("plugin.list");
  if (!list) tests::give_up("plugin.list is not answered");
  for (auto& one : list->at("result").at("plugins").as_array())
    if (one.at("name") == instance.c_str()) return one.as_object();
  tests::give_up("there is no plugin " + instance);
}

json::object wait_for(const shop& s, const std::string& instance,
                      const std::function<bool(const json::object&)>& what, milliseconds at_most) {
  auto until = steady_clock::now() + at_most;
  for (;;) {
    auto now = describe(s, instance);
    if (what(now) || steady_clock::now() > until) return now;
    ::poll(nullptr, 0, 10);
  }
}

}  // namespace tilld::plugin_faults
