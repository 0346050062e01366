#include "daemon/config/config.hpp"

#include <gtest/gtest.h>

#include <fstream>

#include "tests/support/scratch.hpp"

using namespace tilld;
using namespace tilld::daemon;
using base::errc;

namespace {

class configuration : public ::testing::Test {
 protected:
  base::result<config> load(const std::string& text) {
    std::ofstream(folder_.file("tilld.yaml")) << text;
    return load_config(folder_.file("tilld.yaml"));
  }
  // What is said of a till's section followed by this.
  std::string complaint(const std::string& text, errc expected = errc::config_wrong_value) {
    auto loaded = load(till + text);
    if (loaded) return "";
    EXPECT_EQ(loaded.error().code, expected) << base::to_string(loaded.error());
    return loaded.error().detail;
  }
  static bool has(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
  }

  const std::string till = "till: {id: till-1, branch: main, merchant: demo}\n";
  tests::scratch_folder folder_;
};

}  // namespace

TEST_F(configuration, needs_only_the_till) {
  auto c = load(till);
  ASSERT_TRUE(c) << base::to_string(c.error());
  EXPECT_EQ(c->till, "till-1");
  EXPECT_EQ(c->branch, "main");
  EXPECT_EQ(c->merchant, "demo");
  EXPECT_EQ(c->listen.unix_path, "/run/tilld/tilld.sock");
  EXPECT_FALSE(c->listen.tcp);
  EXPECT_TRUE(c->destinations.empty());
  EXPECT_TRUE(c->plugins.empty());
}

TEST_F(configuration, reads_everything_that_it_knows) {
  auto c = load(till + R"(state: /tmp/state
language: de
listen:
  unix: /tmp/t.sock
  admin: /tmp/a.sock
  tcp: "127.0.0.1:0"
  http: {address: "localhost:7701", origins: ["HTTPS://Till.Example:443/", "http://localhost:3000"]}
  roles:
    - {user: "0", role: operator}
    - {group: "0", role: read}
destinations:
  - {name: ledger, url: "tcp://127.0.0.1:7710", role: ledger}
  - {name: second, url: "tcp://127.0.0.1:7711", role: witness, public_key: ")" +
                std::string(64, 'a') + R"("}
plugin_folder: /tmp/plugins
plugins:
  - {name: one, plugin: simulated}
  - {name: two, plugin: /opt/x/other.so, isolation: none, config: {a: [1, "b"]}, paths: ["/dev/x:rw"], memory_max_mib: 32}
)");
  ASSERT_TRUE(c) << base::to_string(c.error());
  EXPECT_EQ(c->language, base::language::german);
  ASSERT_TRUE(c->listen.tcp);
  ASSERT_TRUE(c->listen.http);
  EXPECT_EQ(c->listen.http->address.text(), "127.0.0.1:7701");
  EXPECT_EQ(c->listen.http->origins,
            (std::vector<std::string>{"https://till.example", "http://localhost:3000"}));
  EXPECT_EQ(c->listen.roles.size(), 2u);
  EXPECT_EQ(c->listen.roles[0].gets, role::operator_);
  EXPECT_EQ(c->destinations[1].expected_role, wire::sync::role::witness);
  EXPECT_TRUE(c->destinations[1].public_key);
  EXPECT_EQ(c->plugins[0].file, "/tmp/plugins/simulated.so");
  EXPECT_EQ(c->plugins[0].how, isolation::process);
  EXPECT_EQ(c->plugins[1].file, "/opt/x/other.so");
  EXPECT_EQ(c->plugins[1].how, isolation::none);
  EXPECT_EQ(c->plugins[1].memory_max, 32u << 20);
  EXPECT_EQ(c->plugins[1].paths, std::vector<std::string>{"/dev/x:rw"});
}

TEST_F(configuration, refuses_an_unknown_key_with_its_line_and_the_word_that_was_meant) {
  auto top = complaint("plugin_foldr: /x\n", errc::config_unknown_key);
  EXPECT_TRUE(has(top, "tilld.yaml:2")) << top;
  EXPECT_TRUE(has(top, "plugin_folder")) << top;
  auto inside = complaint("listen:\n  unix: /a\n  tpc: \"127.0.0.1:1\"\n", errc::config_unknown_key);
  EXPECT_TRUE(has(inside, ":4")) << inside;
  EXPECT_TRUE(has(inside, "tcp")) << inside;
}

TEST_F(configuration, refuses_values_that_do_not_fit_with_their_line) {
  EXPECT_TRUE(has(complaint("language: klingon\n"), ":2"));
  EXPECT_NE(complaint("state: relative/path\n"), "");
  EXPECT_NE(complaint("listen: {unix: \"/" + std::string(120, 'x') + "\"}\n"), "");
  EXPECT_NE(complaint("listen: {http: {origins: []}}\n"), "");
  EXPECT_NE(complaint("listen: {http: {address: \"0.0.0.0:7701\"}}\n", errc::config_wrong_value), "");
  for (auto origin : {"*", "null", "till.example", "http://till.example", "https://till.example/till"})
    EXPECT_TRUE(has(complaint("listen:\n  http:\n    address: \"127.0.0.1:0\"\n    origins:\n      - \"" +
                              std::string(origin) + "\"\n"),
                    ":6"))
        << origin;
  EXPECT_NE(complaint("listen: {roles: [{role: till}]}\n"), "");
  EXPECT_NE(complaint("listen: {roles: [{user: nobody-has-this-name, role: till}]}\n"), "");
  EXPECT_NE(complaint("plugins: [{name: A, plugin: x}]\n"), "");
  for (auto file : {"../x", "''", "/", "/x/"})
    EXPECT_NE(complaint("plugins: [{name: a, plugin: " + std::string(file) + "}]\n"), "") << file;
  EXPECT_NE(complaint("plugins: [{name: a, plugin: x, memory_max_mib: 1}]\n"), "");
  EXPECT_NE(complaint("plugins: [{name: a, plugin: x, isolation: some}]\n"), "");
  EXPECT_NE(complaint("plugins: [{name: a, plugin: x}, {name: a, plugin: y}]\n"), "");
  EXPECT_NE(complaint("plugins: [{name: a, plugin: x, config: [1]}]\n"), "");
}

TEST_F(configuration, listens_on_loopback_only_and_says_so) {
  for (auto address : {"0.0.0.0:7700", "192.168.1.1:7700", "[::]:7700", "127.0.0.1", "localhost:99999"}) {
    auto why = complaint("listen: {tcp: \"" + std::string(address) + "\"}\n");
    EXPECT_NE(why, "") << address;
  }
}

TEST_F(configuration, has_exactly_one_ledger_among_its_destinations) {
  EXPECT_NE(complaint("destinations: [{name: a, url: \"tcp://127.0.0.1:1\", role: witness}]\n"), "");
  EXPECT_NE(complaint("destinations: [{name: a, url: \"tcp://127.0.0.1:1\", role: ledger}, {name: b, url: "
                      "\"tcp://127.0.0.1:2\", role: ledger}]\n"),
            "");
  EXPECT_NE(complaint("destinations: [{name: a, url: \"tcp://127.0.0.1:1\", role: ledger}, {name: a, url: "
                      "\"tcp://127.0.0.1:2\", role: witness}]\n"),
            "");
  EXPECT_NE(complaint("destinations: [{name: a, url: \"http://127.0.0.1:1\", role: ledger}]\n"), "");
  EXPECT_NE(
      complaint("destinations: [{name: a, url: \"tcp://127.0.0.1:1\", role: ledger, public_key: \"abc\"}]\n"),
      "");
}

TEST_F(configuration, notices_that_its_file_changed) {
  auto first = load(till), second = load(till + "language: de\n");
  ASSERT_TRUE(first);
  ASSERT_TRUE(second);
  EXPECT_NE(first->digest, second->digest);
}

TEST_F(configuration, says_what_is_wrong_with_a_file_that_is_none) {
  EXPECT_FALSE(load_config(folder_.file("missing.yaml")));
  EXPECT_FALSE(load(""));
  EXPECT_FALSE(load("- a\n- b\n"));
  EXPECT_FALSE(load("till: {id: [}\n"));
  EXPECT_FALSE(load(till + "listen: null_is_no_map\n"));
}
