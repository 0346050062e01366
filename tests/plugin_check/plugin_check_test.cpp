// tilld-plugin-check as a person or a CI calls it: what it says of plugins that break one rule, of one that
// breaks none, of those that tilld ships, and of wrong words on its command line.
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include <boost/json.hpp>

#include "tests/support/process.hpp"
#include "tests/support/scratch.hpp"

namespace tilld::tests {
namespace {

namespace json = boost::json;

constexpr auto patience = std::chrono::minutes(4);

std::string from_environment(const char* name) {
  const char* value = std::getenv(name);
  return value ? value : "";
}
std::string bad(const std::string& name) {
  return from_environment("TILLD_BAD_PLUGINS") + "/bad_" + name + ".so";
}
std::string shipped(const std::string& name) {
  return from_environment("TILLD_PLUGINS") + "/" + name + ".so";
}
const std::string program() { return from_environment("TILLD_PLUGIN_CHECK"); }

std::string content(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

struct outcome {
  int code = -1;
  std::string text;
  json::object report() const { return json::parse(text.substr(text.find('{'))).as_object(); }
};

outcome call(const std::vector<std::string>& arguments) {
  const scratch_folder folder;
  process running(program(), {.arguments = arguments, .environment = {}, .log = folder.file("out")});
  const auto code = running.wait(patience);
  return {code.value_or(-1), content(folder.file("out"))};
}

std::set<int> numbers(const json::object& report, const char* result) {
  std::set<int> found;
  for (const auto& one : report.at("checks").as_array())
    if (one.at("result").as_string() == result) found.insert(static_cast<int>(one.at("number").as_int64()));
  return found;
}

json::object check_of(const json::object& report, int number) {
  for (const auto& one : report.at("checks").as_array())
    if (one.at("number").as_int64() == number) return one.as_object();
  return {};
}

// One plugin and the rule that it breaks.
struct broken {
  const char* plugin;
  int rule;
  const char* came;  // a part of what the report says came
  // Checks of 1 to 20 that are left out: those that would only take long, or that the rule is part of.
  std::set<int> without = {11, 20};
};

const std::vector<broken>& all_broken() {
  static const std::vector<broken> all{
      {"second_symbol", 1, "besides tilld_plugin_v1"},
      {"unbound", 2, "undefined symbol: tilld_test_nobody_defines_this"},
      {"two_faces", 3, "differently each time"},
      {"foreign_name", 3, "tilld.toaster/1"},
      {"slow_scan", 4, "ms at best"},
      {"needs_config", 5, "SIGABRT"},
      {"wrong_schema", 5, "properties.port: is not a schema"},
      {"leaves_descriptors", 6, "descriptors after life"},
      {"leaves_threads", 6, "threads after life"},
#ifndef TILLD_SANITIZED  // which keeps for a while what was freed
      {"leaves_memory", 6, "octets of memory after life"},
#endif
      {"takes_every_word", 7, "TILLD_OK"},
      {"takes_every_body", 8, "TILLD_OK"},
      {"strict_members", 9, "TILLD_E_INVALID"},
      {"tolerant_with_money", 9, "TILLD_OK"},
      {"dies_of_depth", 10, "SIGABRT"},
      {"answers_noise_twice", 10, "2 answers"},
      {"drops_large_blobs", 11, "no answer within its deadline", {20}},
      {"stops_when_done", 12, "did not return"},
      // Who answers twice also breaks the rule of check 10, now and then.
      {"cancels_twice", 13, "2 answers", {10, 11, 20}},
      {"ignores_cancel", 13, "no answer within two seconds", {9, 10, 11, 15, 16, 17, 19, 20}},
      {"prints_again", 14, "and then"},
      {"odd_event", 15, "text: must be text"},
      {"odd_reply", 15, "decision: must be one of"},
      {"timer_on_own_thread", 16, "host->timer()"},
      {"chatters", 17, "good bye"},
      {"reads_environment", 17, "SCANNER_PORT"},
      {"sets_environment", 17, "SCANNER_READY=yes"},
      {"changes_folder", 17, "/usr"},
      {"handles_signals", 17, "SIGUSR1"},
      {"misses_hang_up", 18, "still open after two seconds"},
      {"trusts_clock", 19, "SIGABRT"},
      {"impatient", 20, "no answer within its deadline", {6, 10, 11, 12, 13}},
  };
  return all;
}

std::string only(const std::set<int>& without) {
  std::string list;
  for (int number = 1; number <= 20; ++number)
    if (!without.contains(number)) list += (list.empty() ? "" : ",") + std::to_string(number);
  return list;
}

// All programs run side by side, a few at a time: most of what they do is waiting.
class plugin_check : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    std::map<std::string, std::vector<std::string>> calls;
    for (const auto& it : all_broken())
      calls[it.plugin] = {bad(it.plugin),         "--json", "--config",
                          R"({"port":"${pty}"})", "--only", only(it.without)};
    calls["good"] = {bad("good"), "--json", "--config", R"({"port":"${pty}"})"};
    calls["simulated"] = {shipped("simulated"), "--json", "--uses-device"};
    calls["escpos file"] = {shipped("escpos-printer"), "--json", "--uses-device", "--config",
                            R"({"output":"file","path":"${folder}"})"};
    calls["escpos tcp"] = {shipped("escpos-printer"), "--json", "--config",
                           R"({"output":"tcp","address":"${tcp}"})"};
    calls["serial scanner"] = {shipped("serial-scanner"), "--json", "--config", R"({"port":"${pty}"})"};
    const scratch_folder folder;
    constexpr std::size_t at_once = 8;
    std::vector<std::pair<std::string, process>> running;
    const auto wait_for_first = [&] {
      auto& [name, one] = running.front();
      const auto code = one.wait(patience);
      results()[name] = {code.value_or(-1), content(folder.file(name))};
      running.erase(running.begin());
    };
    for (const auto& [name, arguments] : calls) {
      if (running.size() == at_once) wait_for_first();
      running.emplace_back(
          name, process(program(), {.arguments = arguments, .environment = {}, .log = folder.file(name)}));
    }
    while (!running.empty()) wait_for_first();
  }
  static std::map<std::string, outcome>& results() {
    static std::map<std::string, outcome> all;
    return all;
  }
};

TEST_F(plugin_check, finds_the_one_rule_that_a_plugin_breaks) {
  std::set<int> rules;
  for (const auto& it : all_broken()) {
    SCOPED_TRACE(it.plugin);
    const auto& result = results()[it.plugin];
    ASSERT_EQ(result.code, 1) << result.text;
    const auto report = result.report();
    EXPECT_EQ(numbers(report, "failed"), std::set<int>{it.rule}) << result.text;
    const auto found = check_of(report, it.rule);
    for (const char* part : {"sent", "came", "mend"}) ASSERT_TRUE(found.contains(part)) << result.text;
    EXPECT_NE(std::string(found.at("came").as_string()).find(it.came), std::string::npos) << found.at("came");
    rules.insert(it.rule);
  }
  for (int rule = 1; rule <= 20; ++rule)
    EXPECT_TRUE(rules.contains(rule)) << "no plugin breaks rule " << rule;
}

TEST_F(plugin_check, passes_a_plugin_that_breaks_none) {
  const auto& result = results()["good"];
  EXPECT_EQ(result.code, 0) << result.text;
  EXPECT_EQ(numbers(result.report(), "passed").size(), 20u) << result.text;
}

TEST_F(plugin_check, passes_the_plugins_that_tilld_ships) {
  const std::map<std::string, std::set<int>> skipped{
      {"simulated", {18}}, {"escpos file", {18}}, {"escpos tcp", {}}, {"serial scanner", {14}}};
  for (const auto& [name, numbers_skipped] : skipped) {
    SCOPED_TRACE(name);
    const auto& result = results()[name];
    EXPECT_EQ(result.code, 0) << result.text;
    EXPECT_EQ(numbers(result.report(), "failed"), std::set<int>()) << result.text;
    EXPECT_EQ(numbers(result.report(), "skipped"), numbers_skipped) << result.text;
  }
}

TEST_F(plugin_check, never_counts_a_skipped_check_as_passed) {
  // Nothing stands in the way of the printer, but nobody said where it is.
  const auto result = call({shipped("escpos-printer"), "--only", "5,7,14,18,20"});
  EXPECT_EQ(result.code, 0);
  EXPECT_NE(result.text.find(" 7  skipped  "), std::string::npos) << result.text;
  EXPECT_NE(result.text.find("give its configuration with --config"), std::string::npos) << result.text;
  EXPECT_NE(result.text.find("1 passed, 0 failed, 4 skipped (7, 14, 18, 20)"), std::string::npos)
      << result.text;
  EXPECT_EQ(call({shipped("escpos-printer"), "--only", "5,7", "--strict"}).code, 1);
}

TEST_F(plugin_check, sends_nothing_that_acts_unless_it_may) {
  const auto careful = call({bad("prints_again"), "--json", "--only", "9,14"});
  EXPECT_EQ(careful.code, 0) << careful.text;
  EXPECT_EQ(numbers(careful.report(), "skipped"), std::set<int>{14}) << careful.text;
  EXPECT_NE(std::string(check_of(careful.report(), 14).at("reason").as_string()).find("--uses-device"),
            std::string::npos);
  EXPECT_EQ(call({bad("prints_again"), "--json", "--only", "14", "--uses-device"}).code, 1);
}

TEST_F(plugin_check, tells_a_person_what_was_sent_what_came_and_how_to_mend_it) {
  const auto result = call({bad("takes_every_word"), "--only", "7"});
  EXPECT_EQ(result.code, 1);
  EXPECT_EQ(
      result.text,
      " 7  FAILED   answers unknown words with TILLD_E_UNSUPPORTED\n"
      "      sent  tilld.scanner/1.no_such_word {}\n"
      "      came  TILLD_OK {}\n"
      "      mend  Answer TILLD_E_UNSUPPORTED to every name that you do not know: newer tills will ask for "
      "more.\n"
      "\n0 passed, 1 failed (7), 0 skipped\n");
}

TEST_F(plugin_check, reads_the_schema_of_a_foreign_interface) {
  const scratch_folder folder;
  const auto schema = folder.file("device.json");
  std::ofstream(schema) << R"({"title":"org.tilld.simulation/1","definitions":{"requests":{"scan":{"request":
    {"type":"object","required":["text"],"properties":{"text":{"type":"string"}},"examples":[{"text":"4006381333931"}]},
    "reply":{"type":"object","required":["noticed"],"properties":{"noticed":{"type":"string"}}}}}}})";
  const auto result = call({shipped("simulated"), "--json", "--only", "8,15", "--schema", schema});
  EXPECT_EQ(numbers(result.report(), "passed"), std::set<int>{8}) << result.text;
  EXPECT_EQ(numbers(result.report(), "failed"), std::set<int>{15}) << "the schema says text, and true comes";
  std::ofstream(schema)
      << R"({"title":"org.tilld.simulation/1","definitions":{"events":{"x":{"type":"nonsense"}}}})";
  EXPECT_EQ(call({shipped("simulated"), "--only", "8", "--schema", schema}).code, 64);
}

TEST_F(plugin_check, refuses_wrong_words_and_missing_files) {
  EXPECT_EQ(call({}).code, 64);
  EXPECT_EQ(call({"--what"}).code, 64);
  EXPECT_EQ(call({bad("good"), "--only", "21"}).code, 64);
  EXPECT_EQ(call({bad("good"), "--config", "{port: ["}).code, 64);
  EXPECT_EQ(call({"/nowhere/plugin.so"}).code, 66);
  EXPECT_EQ(call({bad("good"), "--config", "/nowhere/config.yaml"}).code, 66);
  const auto list = call({"--list"});
  EXPECT_EQ(list.code, 0);
  EXPECT_EQ(std::count(list.text.begin(), list.text.end(), '\n'), 20);
}

TEST_F(plugin_check, says_of_a_file_that_is_no_plugin_what_it_is_not) {
  const auto result = call({program(), "--json"});
  EXPECT_EQ(result.code, 1);
  EXPECT_TRUE(numbers(result.report(), "failed").contains(1)) << result.text;
  EXPECT_EQ(numbers(result.report(), "passed"), std::set<int>());
}

TEST_F(plugin_check, tells_the_death_of_a_plugin_once_and_goes_on) {
  const auto result = call({bad("dies_when_shown"), "--json", "--only", "1,7,15,16,17,19"});
  EXPECT_EQ(numbers(result.report(), "failed"), std::set<int>{15}) << result.text;
  EXPECT_EQ(numbers(result.report(), "skipped"), (std::set<int>{16, 17, 19})) << result.text;
  const auto found = check_of(result.report(), 15);
  EXPECT_NE(std::string(found.at("sent").as_string()).find("tilld.display/1.show"), std::string::npos);
  EXPECT_NE(std::string(found.at("came").as_string()).find("SIGABRT"), std::string::npos);
}

TEST_F(plugin_check, reads_its_configuration_from_yaml_too) {
  const scratch_folder folder;
  std::ofstream(folder.file("scanner.yaml")) << "port: ${pty}\n";
  const auto result =
      call({bad("good"), "--json", "--only", "5,18", "--config", folder.file("scanner.yaml")});
  EXPECT_EQ(numbers(result.report(), "passed"), (std::set<int>{5, 18})) << result.text;
}

}  // namespace
}  // namespace tilld::tests
