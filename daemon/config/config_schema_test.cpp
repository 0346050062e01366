// The schema against the reader. Each kind of file that tests/clients judges with a validator that nobody
// here wrote is judged here by the code; what is tried for every key is made from the schema itself.
#include "daemon/config/config_schema.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <functional>
#include <sstream>

#include <boost/json.hpp>

#include "base/json_text.hpp"
#include "daemon/config/config.hpp"
#include "tests/support/scratch.hpp"

namespace tilld::daemon {
namespace {

namespace json = boost::json;

std::string stored(const std::string& name) {
  std::ifstream in(std::string(TILLD_SOURCE_DIR) + "/config/schema/" + name);
  std::stringstream all;
  all << in.rdbuf();
  return all.str();
}

// Each member that a schema names, at any depth.
void each_member(const std::string& path, const json::object& s,
                 const std::function<void(const std::string&, const json::object&)>& visit) {
  if (auto* properties = s.if_contains("properties"))
    for (auto& [name, one] : properties->as_object()) {
      auto at = path.empty() ? std::string(name) : path + "." + std::string(name);
      visit(at, one.as_object());
      each_member(at, one.as_object(), visit);
    }
  if (auto* items = s.if_contains("items")) each_member(path, items->as_object(), visit);
}

TEST(config_schema, is_what_is_stored_for_editors) {
  for (auto& one : schemas_for_editors()) {
    auto name = std::string(one.name);
    EXPECT_EQ(stored(name), base::indented(one.text))
        << "build/dev/bin/tilld --config-schema " << name.substr(0, name.find('.')) << " > config/schema/"
        << name;
  }
}

TEST(config_schema, has_a_sentence_on_every_key_and_knows_no_others) {
  for (auto& one : schemas_for_editors()) {
    int keys = 0;
    each_member("", one.text, [&](const std::string& path, const json::object& s) {
      ++keys;
      ASSERT_TRUE(s.contains("description")) << path;
      auto text = std::string(s.at("description").as_string());
      EXPECT_GE(text.size(), 10u) << path;
      EXPECT_FALSE(text.ends_with('.')) << path;
      if (s.contains("properties")) {
        EXPECT_EQ(s.at("additionalProperties"), false) << path;
      }
      for (auto& [keyword, value] : s) EXPECT_FALSE(keyword.starts_with("x-")) << path << " " << keyword;
    });
    EXPECT_GT(keys, 28);
    EXPECT_EQ(one.text.at("additionalProperties"), false);
  }
}

TEST(config_schema, has_the_defaults_that_hold) {
  tests::scratch_folder folder;
  std::ofstream(folder.file("tilld.yaml"))
      << R"({till: {id: a, branch: b, merchant: c}, plugins: [{name: p, plugin: q}]})";
  auto c = load_config(folder.file("tilld.yaml"));
  ASSERT_TRUE(c) << base::to_string(c.error());
  int defaults = 0;
  each_member("", config_schema().text(), [&](const std::string& path, const json::object& s) {
    auto* value = s.if_contains("default");
    if (!value) return;
    ++defaults;
    std::map<std::string, json::value> held{
        {"state", json::value(c->state_folder)},
        {"language", c->language == base::language::english ? "en" : "de"},
        {"storage.keep_free_mib", static_cast<std::int64_t>(c->storage.keep_free >> 20)},
        {"storage.backup.every_hours", static_cast<std::int64_t>(backup_config().every_hours)},
        {"storage.backup.keep", static_cast<std::int64_t>(backup_config().keep)},
        {"journal.checkpoint_every", static_cast<std::int64_t>(c->checkpoint_every)},
        {"journal.retention_days", static_cast<std::int64_t>(c->retention_days)},
        {"alarm.waiting_records", static_cast<std::int64_t>(c->lag_records_max)},
        {"alarm.waiting_minutes", static_cast<std::int64_t>(c->lag_minutes_max)},
        {"listen.unix", json::value(c->listen.unix_path)},
        {"listen.admin", json::value(c->listen.admin_path)},
        {"plugins.isolation", c->plugins[0].how == isolation::process ? "process" : "none"},
        {"plugins.memory_max_mib", static_cast<std::int64_t>(c->plugins[0].memory_max >> 20)}};
    ASSERT_TRUE(held.count(path)) << path;
    EXPECT_EQ(*value, held[path]) << path;
  });
  EXPECT_EQ(defaults, 13);
}

TEST(config_schema, needs_nothing_in_a_drop_in_but_the_names_of_what_is_merged) {
  std::vector<std::string> needed;
  std::function<void(const std::string&, const json::object&)> note = [&](const std::string& path,
                                                                          const json::object& s) {
    if (auto* items = s.if_contains("items"))
      if (auto* names = items->as_object().if_contains("required"))
        for (auto& one : names->as_array()) needed.push_back(path + "." + std::string(one.as_string()));
    EXPECT_FALSE(s.contains("required")) << path;
  };
  each_member("", drop_in_schema().text(), note);
  EXPECT_FALSE(drop_in_schema().text().contains("required"));
  EXPECT_EQ(needed, (std::vector<std::string>{"listen.roles.role", "destinations.name", "plugins.name"}));
}

}  // namespace
}  // namespace tilld::daemon
