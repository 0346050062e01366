// docs/methods.md and rpc.discover against a running daemon: what they promise is what happens.
#include <gtest/gtest.h>

#include <fstream>
#include <functional>
#include <regex>
#include <set>

#include <boost/json.hpp>

#include "daemon/calls/parts.hpp"
#include "tests/docs/page.hpp"
#include "tests/docs/till_of_the_page.hpp"
#include "tests/support/process.hpp"

namespace tilld::tests {
namespace {

namespace json = boost::json;
using daemon::method;

std::string printed_by(const std::string& program, std::vector<std::string> arguments) {
  scratch_folder folder;
  process run(program_path(program), {std::move(arguments), {}, folder.file("said")});
  EXPECT_EQ(run.wait(std::chrono::seconds(20)), 0) << program;
  std::ifstream said(folder.file("said"));
  return {std::istreambuf_iterator<char>(said), {}};
}

std::string kind_of(const json::object& answer) {
  auto* error = answer.if_contains("error");
  return error ? std::string(error->at("data").at("kind").as_string()) : "";
}

std::string message_of(const json::object& answer) {
  auto* error = answer.if_contains("error");
  return error ? std::string(error->at("message").as_string()) : "";
}

// --- the printed forms

TEST(method_page, is_what_the_dispatch_table_prints) {
  EXPECT_EQ(read_page("docs/methods.md"), printed_by("tilld-method-page", {}))
      << "print it again: build/dev/bin/tilld-method-page > docs/methods.md";
}

void expect_references(const json::value& root, const json::value& in, int& found) {
  if (auto* object = in.if_object()) {
    for (auto& [name, one] : *object) {
      if (name == "$ref") {
        ++found;
        auto text = std::string(one.as_string());
        ASSERT_TRUE(text.starts_with("#/")) << text;
        json::error_code failed;
        EXPECT_NE(root.find_pointer(text.substr(1), failed), nullptr) << text;
      }
      expect_references(root, one, found);
    }
  } else if (auto* list = in.if_array()) {
    for (auto& one : *list) expect_references(root, one, found);
  }
}

// The rules of the OpenRPC 1.3 specification for what this document uses.
void expect_openrpc(const json::object& document) {
  EXPECT_TRUE(std::regex_match(std::string(document.at("openrpc").as_string()), std::regex(R"(1\.3\.\d+)")));
  EXPECT_FALSE(document.at("info").at("title").as_string().empty());
  EXPECT_FALSE(document.at("info").at("version").as_string().empty());
  std::set<std::string> allowed = {"openrpc", "info", "servers", "methods", "components", "externalDocs"};
  for (auto& [name, value] : document) EXPECT_TRUE(allowed.count(name) || name.starts_with("x-")) << name;
  std::set<std::string> names;
  for (auto& m : document.at("methods").as_array()) {
    auto& one = m.as_object();
    auto name = std::string(one.at("name").as_string());
    EXPECT_TRUE(names.insert(name).second) << name << " stands there twice";
    EXPECT_TRUE(one.contains("params") && one.contains("result")) << name;
    EXPECT_EQ(one.at("paramStructure"), "by-name");
    std::set<std::string> of_method = {"name",           "tags",   "summary", "description", "externalDocs",
                                       "params",         "result", "errors",  "deprecated",  "servers",
                                       "paramStructure", "links",  "examples"};
    for (auto& [member, value] : one)
      EXPECT_TRUE(of_method.count(member) || member.starts_with("x-")) << name << " " << member;
    std::set<std::string> params;
    bool optional_came = false;
    for (auto& p : one.at("params").as_array()) {
      EXPECT_TRUE(params.insert(std::string(p.at("name").as_string())).second) << name;
      EXPECT_TRUE(p.at("schema").is_object()) << name;
      // "required params must be positioned before optional params"
      if (!p.at("required").as_bool()) optional_came = true;
      EXPECT_FALSE(optional_came && p.at("required").as_bool()) << name;
    }
    EXPECT_TRUE(one.at("result").at("name").is_string());
    EXPECT_TRUE(one.at("result").at("schema").is_object());
    EXPECT_FALSE(one.at("x-roles").as_array().empty()) << name;
  }
  for (auto& [kind, error] : document.at("components").at("errors").as_object()) {
    EXPECT_TRUE(error.at("code").is_int64()) << kind;
    EXPECT_TRUE(error.at("message").is_string()) << kind;
  }
  int references = 0;
  expect_references(document, document, references);
  EXPECT_GT(references, 100);
}

TEST(discovery, follows_the_rules_of_openrpc_without_a_daemon) {
  auto text = printed_by("tilld", {"--openrpc"});
  expect_openrpc(json::parse(text).as_object());
}

TEST(discovery, lists_what_a_running_daemon_answers_and_fits_into_a_line) {
  till_of_the_page till;
  ASSERT_TRUE(till.wait_for_devices());
  auto client = till.connect("");
  auto answer = client.call("rpc.discover");
  ASSERT_TRUE(answer && answer->contains("result"));
  EXPECT_LT(json::serialize(*answer).size(), wire::line_size_max / 2);
  auto& document = answer->at("result").as_object();
  expect_openrpc(document);
  std::set<std::string> listed;
  for (auto& m : document.at("methods").as_array()) listed.insert(std::string(m.at("name").as_string()));
  for (auto& m : daemon::whole_table()) EXPECT_TRUE(listed.count(m.name)) << m.name;
  EXPECT_EQ(document.at("x-open-interfaces"), (json::array{"org.tilld.simulation/1"}));
}

TEST(discovery, is_open_to_whoever_may_connect_and_nothing_else_is) {
  till_of_the_page till;
  for (auto& m : daemon::whole_table()) {
    if (m.name == "session.hello") continue;
    auto client = till.connect("tcp");
    auto answer = client.call(m.name);
    ASSERT_TRUE(answer) << m.name;
    EXPECT_EQ(kind_of(*answer), m.before_hello ? "" : "hello_required") << m.name;
  }
}

// --- roles

TEST(roles, may_call_what_the_table_says_and_nothing_else) {
  till_of_the_page till;
  ASSERT_TRUE(till.wait_for_devices());
  auto rows = table_rows(read_page("docs/methods.md"), "## Roles");
  ASSERT_EQ(rows.size(), daemon::whole_table().size() + 1);
  rows.push_back({"`org.tilld.simulation.look`", "yes", "yes", "-", "-", "yes"});
  int asked = 0;
  for (std::size_t column = 1; column < rows[0].size(); ++column) {
    auto& role = rows[0][column];
    auto client = role == "admin" ? till.connect("admin") : till.sign_on(till.make_token(role));
    for (std::size_t i = 1; i < rows.size(); ++i) {
      auto name = code_words(rows[i][0]).at(0);
      if (name == "session.bye") continue;  // after it nothing can be asked
      // Params of the wrong type stop what is allowed before it has an effect.
      auto answer = client.call(name, {{"deadline_ms", 1}});
      ASSERT_TRUE(answer) << name;
      ++asked;
      EXPECT_NE(kind_of(*answer), "unknown_method") << name;
      EXPECT_EQ(kind_of(*answer) == "forbidden", rows[i][column] == "-") << name << " for " << role;
    }
  }
  EXPECT_GT(asked, 150);
}

// --- params

// The least that fits a schema.
json::value sample(const json::object& s) {
  if (auto* words = s.if_contains("enum")) return words->at(0);
  auto* type = s.if_contains("type");
  auto word = type ? std::string(type->as_string()) : "string";
  if (word == "boolean") return true;
  if (word == "integer") return s.contains("minimum") ? s.at("minimum") : json::value(1);
  if (word == "array") return json::array{sample(s.at("items").as_object())};
  if (word == "object") {
    json::object o;
    if (auto* required = s.if_contains("required"))
      for (auto& name : required->as_array())
        o[name.as_string()] = sample(s.at("properties").at(name.as_string()).as_object());
    return o;
  }
  if (auto* pattern = s.if_contains("pattern"); pattern && *pattern == "^[A-Z]{3}$") return "EUR";
  if (s.contains("format")) return "018bcfe5-6800-7abc-8123-456789abcdef";
  return "a";
}

// Of another type than the schema wants; nothing where everything fits.
std::optional<json::value> misfit(const json::object& s) {
  auto* type = s.if_contains("type");
  if (!type) return std::nullopt;
  return *type == "object" || *type == "array" ? json::value(7) : json::value(json::array{"x"});
}

TEST(params, are_refused_exactly_where_the_schema_says) {
  till_of_the_page till;
  ASSERT_TRUE(till.wait_for_devices());
  auto client = till.connect("admin");
  int tried = 0;
  for (auto& m : daemon::whole_table()) {
    if (m.name == "session.bye" || m.name == "plugin.restart") continue;
    auto schema = daemon::whole_params(m).text();
    auto good = sample(schema).as_object();
    if (m.name == "customer.identify") good["code"] = "4711";
    auto& properties = schema.at("properties").as_object();
    for (auto& [name, one] : properties) {
      auto wrong = misfit(one.as_object());
      if (!wrong) continue;
      auto params = good;
      params[name] = *wrong;
      auto answer = client.call(m.name, params);
      ASSERT_TRUE(answer) << m.name;
      EXPECT_EQ(kind_of(*answer), "invalid_params") << m.name << " with a wrong " << name;
      EXPECT_EQ(message_of(*answer).substr(0, name.size()), name) << m.name << ": " << message_of(*answer);
      ++tried;
    }
    if (auto* required = schema.if_contains("required"))
      for (auto& name : required->as_array()) {
        auto params = good;
        params.erase(name.as_string());
        auto answer = client.call(m.name, params);
        ASSERT_TRUE(answer) << m.name;
        EXPECT_EQ(kind_of(*answer), name == "idempotency_key" ? "key_missing" : "invalid_params")
            << m.name << " without " << name;
        ++tried;
      }
    auto params = good;
    params["surely_unknown"] = 1;
    params["deadline_ms"] = properties.contains("deadline_ms") ? json::value(50) : json::value();
    if (!properties.contains("deadline_ms")) params.erase("deadline_ms");
    auto answer = client.call(m.name, params);
    ASSERT_TRUE(answer) << m.name;
    auto* rest = schema.if_contains("additionalProperties");
    bool refused = message_of(*answer).starts_with("surely_unknown: is not known here");
    EXPECT_EQ(refused, rest && *rest == false) << m.name << ": " << message_of(*answer);
    ++tried;
  }
  EXPECT_GT(tried, 150);
}

// A member that the schema names and nobody reads would be a promise without a deed: each stands at least
// twice in the sources of the calls, in the schema and where it is read.
TEST(params, that_are_named_are_read) {
  std::string sources;
  for (auto file :
       {"session", "system", "event", "sale", "operation", "journal", "plugin", "token", "claim", "cancel"})
    sources += read_page("daemon/calls/" + std::string(file) + "_calls.cpp");
  daemon::router own;
  daemon::add_calls(own, nullptr);
  own.add_rest(nullptr, nullptr);
  std::function<void(const std::string&, const json::object&)> look = [&](const std::string& where,
                                                                          const json::object& schema) {
    if (!schema.contains("properties")) return;
    for (auto& [name, one] : schema.at("properties").as_object()) {
      auto word = "\"" + std::string(name) + "\"";
      int found = 0;
      for (auto at = sources.find(word); at != sources.npos; at = sources.find(word, at + 1)) ++found;
      EXPECT_GE(found, 2) << where << " " << name;
      look(where + " " + std::string(name), one.as_object());
    }
  };
  for (auto& m : own.methods())
    if (m.checked == daemon::params_checked::by_router) look(m.name, m.params.text());
}

// --- results

// The schema with every object closed, so that a member which it does not name is seen.
json::value closed_everywhere(const json::value& s) {
  auto copy = s;
  if (auto* object = copy.if_object()) {
    for (auto& [name, one] : *object) one = closed_everywhere(one);
    if (object->contains("properties") && !object->contains("additionalProperties"))
      (*object)["additionalProperties"] = false;
  } else if (auto* list = copy.if_array()) {
    for (auto& one : *list) one = closed_everywhere(one);
  }
  return copy;
}

TEST(results, have_the_members_that_the_page_names_and_no_others) {
  till_of_the_page till;
  ASSERT_TRUE(till.wait_for_devices());
  auto client = till.connect("admin");
  auto client_of_sim = [&](const char* name, json::object params) { client.call(name, params); };
  std::set<std::string> checked;
  auto look = [&](const std::string& name, json::object params) {
    auto answer = client.call(name, params);
    ASSERT_TRUE(answer && answer->contains("result")) << name << ": " << message_of(*answer);
    for (auto& m : daemon::whole_table()) {
      if (m.name != name) continue;
      auto schema = base::schema(closed_everywhere(m.result.text()).as_object());
      for (auto& c : base::complaints(schema, answer->at("result"), 10))
        ADD_FAILURE() << name << ": " << c.text() << " in " << json::serialize(answer->at("result"));
      checked.insert(name);
    }
  };
  json::object receipt{{"receipt", 1}, {"body", json::array{json::object{{"text", "Thank you"}}}}};
  json::object euro{{"minor", 500}, {"currency", "EUR"}};
  look("rpc.discover", {});
  look("session.hello", {{"language", "en"}});
  look("system.ping", {{"echo", json::array{1}}});
  look("device.list", {});
  look("plugin.list", {});
  look("sale.record",
       {{"idempotency_key", "a"},
        {"total", euro},
        {"lines", json::array{json::object{{"amount", json::object{{"minor", 1}, {"currency", "EUR"}}}}}}});
  look("printer.print", {{"idempotency_key", "b"}, {"document", receipt}});
  look("printer.status", {});
  look("printer.render", {{"format", "text"}, {"document", receipt}});
  look("printer.open_drawer", {{"idempotency_key", "c"}});
  look("display.show", {{"lines", json::array{"12.40"}}});
  look("display.clear", {});
  look("scanner.enable", {{"on", true}});
  look("customer.identify", {{"code", "4711"}});
  client_of_sim("org.tilld.simulation.present_card",
                {{"uid", "04A1B2C3D4E5F6"}, {"technology", "ntag_424"}, {"security_level", "authenticated"}});
  look("reader.await", {});
  look("tender.authorize",
       {{"idempotency_key", "d"}, {"amount", euro}, {"instrument", json::object{{"uid", "04A1B2C3D4E5F6"}}}});
  auto held = client.call("operation.get", {{"method", "tender.authorize"}, {"idempotency_key", "d"}});
  ASSERT_TRUE(held && held->contains("result"));
  auto& authorized = held->at("result").as_object();
  look("tender.outcome", {{"operation_id", authorized.at("operation_id")}});
  look("tender.capture", {{"idempotency_key", "e"},
                          {"amount", euro},
                          {"authorization", authorized.at("result").at("authorization")}});
  look("tender.reverse",
       {{"idempotency_key", "f"}, {"reversed_operation_id", authorized.at("operation_id")}});
  look("tender.authorize",
       {{"idempotency_key", "g"}, {"amount", euro}, {"instrument", json::object{{"uid", "04A1B2C3D4E5F6"}}}});
  held = client.call("operation.get", {{"method", "tender.authorize"}, {"idempotency_key", "g"}});
  look("tender.release",
       {{"idempotency_key", "h"}, {"authorization", held->at("result").at("result").at("authorization")}});
  look("operation.get", {{"method", "printer.print"}, {"idempotency_key", "b"}});
  auto printed = client.call("operation.get", {{"method", "printer.print"}, {"idempotency_key", "b"}});
  look("printer.outcome", {{"operation_id", printed->at("result").at("operation_id")}});
  // Nobody can tell, until a person does.
  client_of_sim("org.tilld.simulation.fault", {{"interface", "tilld.printer/1"}, {"what", "no_device"}});
  till.expect_restart();
  auto torn = client.call("printer.print", {{"idempotency_key", "i"}, {"document", receipt}});
  ASSERT_TRUE(torn);
  EXPECT_EQ(kind_of(*torn), "outcome_unknown");
  look("operation.unknown", {});
  look("operation.resolve", {{"operation_id", torn->at("error").at("data").at("operation_id")},
                             {"outcome", "not_done"},
                             {"reason", "no paper came out"}});
  ASSERT_TRUE(till.wait_for_devices());
  look("events.subscribe", {{"topics", json::array{"none"}}});
  look("events.unsubscribe", {{"subscription", 1}});
  auto claimed = client.call("device.claim", {{"device", "sim"}, {"one_at_a_time", true}});
  ASSERT_TRUE(claimed && claimed->contains("result"));
  auto claim = claimed->at("result").at("claim");
  look("device.claim", {{"claim", claim}, {"one_at_a_time", true}});
  look("device.list", {});
  look("device.keep", {{"claim", claim}});
  look("device.retain", {{"claim", claim}});
  look("device.next", {{"claim", claim}});
  look("device.release", {{"claim", claim}});
  look("rpc.cancel", {{"id", 4711}});
  look("queue.status", {});
  look("system.status", {});
  look("journal.head", {});
  look("journal.read", {});
  look("journal.verify", {});
  look("journal.attest", {});
  look("journal.prove", {});
  auto token = client.call("token.add", {{"role", "read"}});
  look("token.add", {{"role", "read"}, {"note", "x"}});
  look("token.list", {});
  look("token.remove", {{"id", token->at("result").at("id")}});
  look("plugin.restart", {{"name", "sim"}});
  look("session.bye", {});
  for (auto& m : daemon::whole_table()) EXPECT_TRUE(checked.count(m.name)) << m.name << " was not looked at";
}

}  // namespace
}  // namespace tilld::tests
