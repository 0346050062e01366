// Every method has all that a reader needs, so that rpc.discover and docs/methods.md are never poorer than
// the daemon.
#include <gtest/gtest.h>

#include <set>

#include <boost/json.hpp>

#include "daemon/calls/parts.hpp"

using namespace tilld;
using namespace tilld::daemon;
namespace json = boost::json;

namespace {

// Each member that a schema names, at any depth: the path and its schema.
void each_member(const std::string& path, const json::object& schema,
                 const std::function<void(const std::string&, const json::object&)>& visit) {
  if (auto* properties = schema.if_contains("properties"))
    for (auto& [name, one] : properties->as_object()) {
      auto at = path + "." + std::string(name);
      visit(at, one.as_object());
      each_member(at, one.as_object(), visit);
    }
  for (auto keyword : {"items", "additionalProperties"})
    if (auto* inner = schema.if_contains(keyword); inner && inner->is_object())
      each_member(path + "[]", inner->as_object(), visit);
}

}  // namespace

TEST(method_table, has_a_summary_and_an_object_for_params_and_result_of_every_method) {
  auto table = whole_table();
  EXPECT_GT(table.size(), 30u);
  for (auto& m : table) {
    EXPECT_TRUE(m.name.find('.') != m.name.npos) << m.name;
    auto& summary = m.summary.text();
    EXPECT_GE(summary.size(), 10u) << m.name;
    EXPECT_LE(summary.size(), 120u) << m.name;
    EXPECT_NE(summary.back(), '.') << m.name << ": a summary has no full stop";
    EXPECT_EQ(summary.find('\n'), summary.npos) << m.name;
    EXPECT_NE(m.allowed & anyone, 0u) << m.name << " may be called by nobody";
    for (auto* s : {&m.params, &m.result}) {
      ASSERT_TRUE(s->text().contains("type")) << m.name;
      EXPECT_EQ(s->text().at("type"), "object") << m.name;
      EXPECT_TRUE(s->text().contains("properties")) << m.name;
    }
  }
}

TEST(method_table, says_what_each_member_of_the_daemons_own_methods_is) {
  router r;
  add_calls(r, nullptr);
  r.add_rest([](const std::string&) { return std::nullopt; }, nullptr);
  for (auto& m : r.methods()) {
    auto look = [&](const std::string& path, const json::object& schema) {
      // Params that are read into a struct are explained in docs/protocol.md, which a test compares with it;
      // money explains itself.
      if (m.checked == params_checked::by_call && path.starts_with("params")) return;
      ASSERT_TRUE(schema.contains("description")) << m.name << " " << path;
      EXPECT_FALSE(schema.at("description").as_string().ends_with('.')) << m.name << " " << path;
    };
    each_member("params", whole_params(m).text(), look);
    each_member("result", m.result.text(), look);
  }
}

TEST(method_table, names_no_error_twice_and_only_keyed_methods_speak_of_keys) {
  for (auto& m : whole_table()) {
    auto all = errors_of(m);
    EXPECT_EQ(std::set<base::errc>(all.begin(), all.end()).size(), all.size()) << m.name;
    bool speaks_of_keys = std::find(all.begin(), all.end(), base::errc::key_conflict) != all.end();
    EXPECT_EQ(speaks_of_keys, m.key != keyed::no) << m.name;
    auto params = whole_params(m).text();
    auto* properties = params.if_contains("properties");
    // operation.get asks by key, and repeats nothing.
    if (m.name == "operation.get") continue;
    EXPECT_EQ(properties && properties->as_object().contains("idempotency_key"), m.key != keyed::no)
        << m.name;
  }
}

TEST(method_table, refuses_unknown_members_where_value_moves_or_the_set_up_changes) {
  for (auto& m : whole_table()) {
    bool must = m.name == "sale.record" || m.name.starts_with("tender.") || m.name.starts_with("token.") ||
                m.name == "operation.resolve" || m.name == "plugin.restart";
    if (m.name == "tender.outcome" || m.name == "token.list") must = false;
    auto* rest = m.params.text().if_contains("additionalProperties");
    EXPECT_EQ(rest && *rest == false, must) << m.name;
  }
}

TEST(method_table, requires_only_members_that_it_names) {
  for (auto& m : whole_table()) {
    auto params = whole_params(m).text();
    if (!params.contains("required")) continue;
    for (auto& name : params.at("required").as_array()) {
      EXPECT_TRUE(params.at("properties").as_object().contains(name.as_string())) << m.name << " " << name;
    }
  }
}
