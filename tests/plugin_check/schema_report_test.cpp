// What a daemon does with messages that do not fit their schema: in a shop, and for who writes a plugin.
#include <gtest/gtest.h>

#include <chrono>
#include <fstream>
#include <iterator>

#include <boost/json.hpp>

#include "tests/support/scratch.hpp"
#include "tests/support/shop.hpp"

namespace tilld::tests {
namespace {

namespace json = boost::json;

std::string bad(const std::string& name) { return std::string(TILLD_BAD_PLUGINS) + "/bad_" + name + ".so"; }

std::string content(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::size_t count(const std::string& text, const std::string& part) {
  std::size_t found = 0;
  for (auto at = text.find(part); at != text.npos; at = text.find(part, at + 1)) ++found;
  return found;
}

class till_with_bad_plugins : public testing::TestWithParam<bool> {
 protected:
  till_with_bad_plugins() {
    shop::check_schemas = GetParam();
    shop_.plugins_yaml = "  - {name: replies, plugin: " + bad("odd_reply") +
                         "}\n  - {name: events, plugin: " + bad("odd_event") +
                         "}\n  - {name: asks, plugin: " + bad("odd_question") + "}\n";
    shop_.start_till();
  }
  ~till_with_bad_plugins() override { shop::check_schemas = true; }

  json::object describe(const std::string& name) {
    auto client = shop_.connect();
    const auto answer = client.call("plugin.list");
    if (!answer || !answer->contains("result")) return {};
    for (const auto& one : answer->at("result").at("plugins").as_array())
      if (one.at("name").as_string() == name) return one.as_object();
    return {};
  }
  // How often a message of this name did not fit, once it is so many.
  std::int64_t wait_for(const std::string& plugin, const char* message, std::int64_t many) {
    std::int64_t seen = 0;
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (seen < many && std::chrono::steady_clock::now() < until) {
      const auto it = describe(plugin);
      const auto* counts = it.if_contains("schema_violations");
      seen = counts && counts->as_object().contains(message) ? counts->at(message).as_int64() : 0;
    }
    return seen;
  }
  // A device that is still starting refuses what it is asked.
  bool wait_until_ready(const std::string& plugin) {
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (std::chrono::steady_clock::now() < until) {
      const auto it = describe(plugin);
      if (it.contains("state") && it.at("state").as_string() == "ready") return true;
    }
    return false;
  }
  std::string log() { return content(shop_.till_log()); }

  scratch_folder folder_;
  shop shop_{folder_.path()};
};

TEST_P(till_with_bad_plugins, counts_what_does_not_fit_and_passes_none_of_it_on) {
  ASSERT_EQ(wait_for("events", "tilld.scanner/1.scanned", 1), 1);
  ASSERT_EQ(wait_for("asks", "tilld.state/1.get", 1), 1);
  ASSERT_TRUE(wait_until_ready("replies"));
  auto client = shop_.connect();
  for (int turn = 0; turn < 3; ++turn) {
    const auto answer =
        client.call("tender.authorize", {{"device", "replies"},
                                         {"amount", {{"minor", 100}, {"currency", "EUR"}}},
                                         {"idempotency_key", "schema-report-" + std::to_string(turn)}});
    ASSERT_TRUE(answer && answer->contains("error")) << json::serialize(*answer);
  }
  EXPECT_EQ(wait_for("replies", "tilld.tender/1.authorize", 3), 3);
  EXPECT_EQ(describe("replies").at("faults").as_int64(), 3);

  const auto text = log();
  const auto replies = count(text, "sends a reply that does not fit its schema: tilld.tender/1.authorize");
  EXPECT_EQ(count(text, "sends an event that does not fit its schema: tilld.scanner/1.scanned"), 1u) << text;
  EXPECT_EQ(count(text, "sends a request that does not fit its schema: tilld.state/1.get"), 1u) << text;
  EXPECT_EQ(count(text, "tilld breaks a schema"), 0u) << text;
  if (GetParam()) {
    EXPECT_EQ(replies, 3u) << text;
    EXPECT_NE(text.find("decision: must be one of"), text.npos) << text;
  } else {
    EXPECT_EQ(replies, 1u) << "one line and a count are enough in a shop: " << text;
    EXPECT_EQ(text.find("must be"), text.npos) << "the words could quote what the message holds: " << text;
  }
}

INSTANTIATE_TEST_SUITE_P(both, till_with_bad_plugins, testing::Bool(), [](const auto& which) {
  return which.param ? std::string("with_check_schemas") : std::string("as_in_a_shop");
});

}  // namespace
}  // namespace tilld::tests
