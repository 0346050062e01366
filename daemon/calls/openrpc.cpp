#include "daemon/calls/openrpc.hpp"

#include <algorithm>
#include <set>

#include <boost/json.hpp>

#include "plugin-api/catalogue.hpp"

namespace tilld::daemon {

namespace json = boost::json;

namespace {

bool is_among(const json::object& schema, const char* list, std::string_view name) {
  auto* names = schema.if_contains(list);
  if (!names || !names->is_array()) return false;
  auto& all = names->get_array();
  return std::any_of(all.begin(), all.end(), [&](auto& one) { return one == json::string_view(name); });
}

// The description of a schema belongs to the descriptor, where readers of OpenRPC look.
json::object descriptor(std::string_view name, json::object schema, bool needed) {
  json::object d{{"name", name}};
  if (auto* says = schema.if_contains("description")) d["description"] = *says;
  schema.erase("description");
  d["required"] = needed;
  d["schema"] = std::move(schema);
  return d;
}

// Our own keywords leave the schema; a validator that is strict would stumble.
json::object take_marks(json::object& schema) {
  json::object marks;
  for (auto name : {"x-secret", "x-personal", "x-bearer", "x-blob"})
    if (auto* mark = schema.if_contains(name)) {
      marks[name] = *mark;
      schema.erase(name);
    }
  return marks;
}

json::object describe(const method& m) {
  auto params = whole_params(m).text();
  auto result = m.result.text();
  auto marks = take_marks(params), marks_of_result = take_marks(result);
  json::array list, errors, roles;
  // Needed ones first, as OpenRPC wants it.
  for (bool needed : {true, false})
    for (auto& [name, schema] : params.at("properties").as_object())
      if (is_among(params, "required", name) == needed)
        list.push_back(descriptor(name, schema.as_object(), needed));
  for (auto code : errors_of(m))
    errors.push_back(json::object{{"$ref", "#/components/errors/" + std::string(base::describe(code).kind)}});
  for (auto r : every_role)
    if (m.allowed & only(r)) roles.emplace_back(name(r));
  json::object o{{"name", m.name},
                 {"summary", m.summary.text()},
                 {"paramStructure", "by-name"},
                 {"params", std::move(list)},
                 {"result", json::object{{"name", "result"}, {"schema", std::move(result)}}},
                 {"errors", std::move(errors)},
                 {"x-roles", std::move(roles)}};
  if (m.key != keyed::no) o["x-idempotency-key"] = m.key == keyed::always ? "always" : "may_be";
  if (m.before_hello) o["x-before-hello"] = true;
  if (auto* rest = params.if_contains("additionalProperties"); rest && *rest == false)
    o["x-unknown-members"] = "refused";
  for (auto& [name, mark] : marks) o[name] = mark;
  if (!marks_of_result.empty()) o["x-result"] = std::move(marks_of_result);
  return o;
}

json::object describe_errors(const std::vector<method>& methods) {
  std::set<base::errc> all;
  for (auto& m : methods)
    for (auto code : errors_of(m)) all.insert(code);
  json::object errors;
  for (auto code : all) {
    auto& e = base::describe(code);
    errors[e.kind] =
        json::object{{"code", static_cast<int>(code)},
                     {"message", e.english},
                     {"data", json::object{{"kind", e.kind}, {"retryable", e.retryable}, {"hint", e.hint}}}};
  }
  return errors;
}

json::array describe_topics() {
  json::array list;
  for (auto& interface : catalogue::interfaces()) {
    auto schema = catalogue::schema(interface.name);
    auto& events = schema->at("definitions").at("events").as_object();
    for (auto& topic : catalogue::topics()) {
      if (topic.interface != interface.name) continue;
      auto data = events.at(topic.full_name.substr(topic.full_name.rfind('.') + 1)).as_object();
      auto o = take_marks(data);
      o["name"] = topic.name;
      o["schema"] = std::move(data);
      list.push_back(std::move(o));
    }
  }
  return list;
}

}  // namespace

json::object openrpc_document(const std::vector<method>& methods,
                              const std::vector<std::string>& open_interfaces) {
  json::array list, open;
  for (auto& m : methods) list.push_back(describe(m));
  for (auto& one : open_interfaces) open.emplace_back(one);
  return {
      {"openrpc", "1.3.2"},
      {"info",
       {{"title", "tilld"},
        {"version", TILLD_VERSION},
        {"description",
         "What this till answers. JSON-RPC 2.0, one object a line; params by name; docs/protocol.md tells "
         "the rest."}}},
      {"methods", std::move(list)},
      {"components", {{"errors", describe_errors(methods)}}},
      {"x-topics", describe_topics()},
      {"x-open-interfaces", std::move(open)}};
}

}  // namespace tilld::daemon
