// The schemas for editors against the programs, in both directions. Starting from files that have every key,
// each key is left out, emptied, given values of every kind and of its limits, and joined by an unknown one;
// the programs judge each of these files, and config_schema.test.js has ajv judge them by the stored schemas.
#include "central/config_schema.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <iostream>
#include <regex>
#include <sstream>

#include <boost/json.hpp>

#include "central/config.hpp"
#include "daemon/config/config.hpp"
#include "daemon/config/config_schema.hpp"
#include "tests/support/process.hpp"
#include "tests/support/scratch.hpp"

namespace tilld::tests {
namespace {

namespace json = boost::json;
namespace fs = std::filesystem;

std::string read_text(const std::string& path) {
  std::ifstream in(path);
  std::stringstream all;
  all << in.rdbuf();
  return all.str();
}
std::string source(const std::string& path) { return std::string(TILLD_SOURCE_DIR) + "/" + path; }

const json::value full_till = json::parse(R"({
  "till": {"id": "till-1", "branch": "main", "merchant": "demo"}, "state": "/var/lib/tilld", "language": "de",
  "listen": {"unix": "/t.sock", "admin": "/a.sock", "tcp": "127.0.0.1:7700",
    "http": {"address": "[::1]:0", "origins": ["https://till.example", "http://localhost:3000"]},
    "roles": [{"user": "root", "role": "admin"}, {"user": 0, "group": "root", "role": "read"}]},
  "destinations": [{"name": "l", "url": "tcp://127.0.0.1:7710", "role": "ledger"},
    {"name": "w", "url": "tcp://[::1]:7711", "role": "witness",
     "public_key": "a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0"}],
  "plugin_folder": "/p",
  "journal": {"checkpoint_every": 50, "retention_days": 365},
  "alarm": {"waiting_records": 500, "waiting_minutes": 60},
  "plugins": [{"name": "one", "plugin": "simulated", "isolation": "none", "config": {"a": [1, {"b": null}]},
    "paths": ["/dev/x:rw"], "memory_max_mib": 64}]})");
const json::value full_central = json::parse(R"({
  "merchants": [{"id": "shop", "name": "Corner Shop"}], "branches": [{"id": "main", "merchant": "shop", "name": 7}],
  "tills": [{"id": "till-1", "branch": "main", "epoch": 2,
    "public_key": "a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0"}],
  "database": "sqlite:/tmp/central.db", "role": "witness",
  "witnesses": [],
  "listen": {"sync": "127.0.0.1:1", "http": "127.0.0.1:2"}})");

// What no schema can know: the machine, other places of the file, the largest port.
bool only_the_program_can_know(const std::string& why) {
  for (auto part : {"this machine has no ", "have the same name", "have the name", "exactly one destination",
                    "is listed twice", "no merchant ", "no branch ", "has the same public_key",
                    "needs a port from", "no file before this one"})
    if (why.find(part) != why.npos) return true;
  return false;
}

class both_judges : public testing::Test {
 protected:
  using judge = std::function<std::string(const std::string& text)>;  // "" is good

  both_judges() {
    fs::create_directory(folder_.file("conf.d"));
    fs::permissions(folder_.file("conf.d"), fs::perms::owner_all);
    put("full.yaml", json::serialize(full_till));
  }
  void put(const std::string& name, const std::string& text) {
    std::ofstream(folder_.file(name)) << text;
    fs::permissions(folder_.file(name), fs::perms::owner_read | fs::perms::owner_write);
  }
  std::string said_by_tilld(const std::string& text) {
    put("tilld.yaml", text);
    auto c = daemon::load_config(folder_.file("tilld.yaml"));
    return c ? "" : c.error().detail;
  }
  std::string said_by_tilld_of_a_drop_in(const std::string& text) {
    put("tilld.yaml", json::serialize(full_till));
    put("conf.d/50.yaml", text);
    auto c = daemon::load_config(folder_.file("tilld.yaml"));
    fs::remove(folder_.file("conf.d/50.yaml"));
    return c ? "" : c.error().detail;
  }
  static std::string said_by_central(const std::string& text) {
    auto c = central::config::parse(text, "central.yaml");
    return c ? "" : c.error().detail;
  }

  void add(const std::string& schema, const judge& by, const std::string& text, bool must_be_bad = false) {
    auto why = by(text);
    if (must_be_bad) {
      EXPECT_NE(why, "") << schema << " " << text;
    }
    if (only_the_program_can_know(why)) return;
    cases_.push_back(json::object{{"schema", schema}, {"text", text}, {"good", why.empty()}, {"why", why}});
  }

  // Every place of the document, changed in every way, each time with the rest as it is.
  void change_everything(const std::string& schema, const judge& by, const json::value& document) {
    auto whole = document;
    add(schema, by, json::serialize(whole));
    bool drop_in = schema == "tilld-drop-in.schema.json";
    std::function<void(json::value&, const std::string&)> visit = [&](json::value& at,
                                                                      const std::string& key) {
      auto kept = at;
      auto with = [&](const json::value& other, bool must_be_bad = false) {
        at = other;
        add(schema, by, json::serialize(whole), must_be_bad);
        at = kept;
      };
      // Of each kind one; kinds that the place does not take must be refused.
      for (auto other : {"x", "", "9", "/x"}) with(json::value(other), kept.is_object() || kept.is_array());
      for (auto other : {"-1", "0", "1", "15", "16", "4096", "4097", "2147483647", "2147483648", "4294967295",
                         "4294967296", "1.5", "true", "false", "-7.25"})
        with(json::parse(other), kept.is_object() || kept.is_array());
      with(json::array{1}, !kept.is_array());
      with(json::array{}, !kept.is_array());
      with(json::object{{"zzz", 1}}, key != "config");
      // A drop-in that takes back what the whole needs is wrong in the whole, not in itself.
      if (!drop_in || key == "name") with(nullptr);
      for (auto& other : samples_)
        if (kept.is_string()) with(json::value(other));
      if (kept.is_array() && !kept.get_array().empty()) {
        auto twice = kept.as_array();
        while (twice.size() < 65) twice.push_back(twice.back());
        with(twice);
      }
      if (key == "config") return;
      if (at.is_array())
        for (auto& one : at.as_array()) visit(one, "");
      if (!at.is_object()) return;
      auto& map = at.as_object();
      map["zzz"] = 1;
      add(schema, by, json::serialize(whole), true);
      map.erase("zzz");
      std::vector<std::string> keys;
      for (auto& [name, value] : map) keys.emplace_back(name);
      for (auto& name : keys) {
        auto value = map.at(name);
        map.erase(name);
        add(schema, by, json::serialize(whole));
        map[name] = value;
        visit(map.at(name), name);
      }
    };
    visit(whole, "");
    EXPECT_EQ(whole, document);
  }

  void ask_ajv() {
    std::ifstream installed(source("tests/clients/node_modules/.package-lock.json"));
    ASSERT_TRUE(installed) << "the npm packages are missing; ./dev setup installs them";
    put("cases.json", json::serialize(json::object{{"root", TILLD_SOURCE_DIR}, {"cases", cases_}}));
    process::how how;
    how.arguments = {"--test", source("tests/clients/config_schema.test.js")};
    how.environment = {"TILLD_CONFIG_CASES=" + folder_.file("cases.json")};
    how.log = folder_.file("said");
    process program(TILLD_NODE, how);
    auto code = program.wait(std::chrono::minutes(3));
    if (code.value_or(1) != 0) std::cout << read_text(how.log) << std::endl;
    EXPECT_EQ(code.value_or(1), 0) << "see above";
  }

  scratch_folder folder_;
  json::array cases_;
  const std::vector<std::string> samples_ = {"till-1",
                                             "Till-1",
                                             "till_1",
                                             "-",
                                             "12345678901234567890123456789012",
                                             "123456789012345678901234567890123",
                                             "127.0.0.1:7700",
                                             "127.9.0.1:0",
                                             "localhost:1",
                                             "[::1]:65535",
                                             "0.0.0.0:7700",
                                             "[::]:7700",
                                             "192.0.2.1:1",
                                             "127.0.0.1",
                                             "127.0.0.1:",
                                             "127.1:80",
                                             ":7700",
                                             "example.test:80",
                                             "tcp://127.0.0.1:7710",
                                             "tcp://127.0.0.1:0",
                                             "tcp://[::1]:1",
                                             "tcp://example.test:1",
                                             "http://127.0.0.1:1",
                                             "https://till.example",
                                             "https://till.example:8443",
                                             "https://till.example/",
                                             "https://till.example/till",
                                             "https://*",
                                             "HTTPS://Till.Example",
                                             "https://till.example:0443",
                                             "http://till.example",
                                             "http://localhost",
                                             "http://localhost:3000",
                                             "http://127.0.0.1:9",
                                             "http://[::1]:9",
                                             "http://localhost.evil.example",
                                             "http://a.localhost:1",
                                             "null",
                                             "file:///x",
                                             "chrome-extension://abcdef",
                                             "https://",
                                             "https://a:b",
                                             "https://a b",
                                             "app://x",
                                             "en",
                                             "ledger",
                                             "witness",
                                             "admin",
                                             "till",
                                             "process",
                                             "klingon",
                                             "/x",
                                             "x/y",
                                             "./x",
                                             "/",
                                             "../x",
                                             "simulated.so",
                                             "sqlite:/x",
                                             "sqlite:",
                                             "postgresql:x",
                                             std::string(64, 'b'),
                                             std::string(63, 'b'),
                                             std::string(64, 'g'),
                                             std::string(64, '0'),
                                             "/" + std::string(99, 'x'),
                                             "/" + std::string(100, 'x')};
};

}  // namespace

TEST_F(both_judges, agree_on_every_key_and_value_of_every_kind_of_file) {
  judge tilld = [this](auto& text) { return said_by_tilld(text); };
  judge drop_in = [this](auto& text) { return said_by_tilld_of_a_drop_in(text); };
  judge central = [](auto& text) { return said_by_central(text); };
  change_everything("tilld.schema.json", tilld, full_till);
  change_everything("tilld-drop-in.schema.json", drop_in, full_till);
  change_everything("central.schema.json", central, full_central);
  for (auto text : {"", "# nothing\n", "{}\n", "- a\n", "text\n", "7\n", "listen:\n", "listen: ~\nplugins:\n",
                    "plugins: [{name: one}]\n", "plugins: [{plugin: x}]\n", "listen: {http: {origins: []}}\n",
                    "till: {id: 12}\n"}) {
    add("tilld.schema.json", tilld, text);
    add("tilld-drop-in.schema.json", drop_in, text);
    add("central.schema.json", central, text);
  }
  // The shipped files, as they are and with all that they offer put in.
  for (auto name : {"tilld.yaml", "examples/tilld-alone.yaml", "examples/tilld-simulated.yaml",
                    "examples/tilld-with-witness.yaml"}) {
    auto text = read_text(source(std::string("config/") + name));
    add("tilld.schema.json", tilld, text);
    EXPECT_EQ(cases_.back().at("good"), true) << name;
    add("tilld.schema.json", tilld,
        std::regex_replace(text, std::regex(R"((^|\n)( *)#(?=[^ \n#]))"), "$1$2"));
    EXPECT_EQ(cases_.back().at("good"), true) << name << ": " << cases_.back();
  }
  add("central.schema.json", central, read_text(source("config/central.yaml")));
  EXPECT_EQ(cases_.back().at("good"), true);
  std::size_t good = 0;
  for (auto& one : cases_) good += one.at("good").as_bool();
  EXPECT_GT(good, 100u);
  EXPECT_GT(cases_.size() - good, 1000u);
  ask_ajv();
}

}  // namespace tilld::tests
