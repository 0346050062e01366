#include "plugin-api/check/bodies.hpp"

#include <algorithm>
#include <chrono>
#include <functional>

#include "base/id.hpp"

namespace tilld::plugin_check {

namespace json = boost::json;

namespace {

// Words of tilld for which the schema alone makes nothing that a device could do.
struct known_example {
  std::string_view name, body;
};
constexpr known_example examples[] = {
    {"tilld.printer/1.print", R"({"document":{"receipt":1,"body":[{"text":"tilld-plugin-check"}]}})"},
    {"tilld.printer/1.render",
     R"({"format":"text","document":{"receipt":1,"body":[{"text":"tilld-plugin-check"}]}})"},
    {"tilld.display/1.show", R"({"lines":["tilld-plugin-check"]})"},
    {"tilld.customer/1.identify", R"({"code":"tilld-plugin-check"})"},
    {"tilld.tender/1.authorize", R"({"amount":{"minor":1,"currency":"EUR"}})"},
    {"tilld.tender/1.capture", R"({"authorization":"none","amount":{"minor":1,"currency":"EUR"}})"},
    {"tilld.tender/1.release", R"({"authorization":"none"})"},
};

const json::object* properties_of(const json::object& schema) {
  const auto* all = schema.if_contains("properties");
  return all ? all->if_object() : nullptr;
}

std::string_view type_of(const json::object& schema) {
  const auto* type = schema.if_contains("type");
  return type && type->is_string() ? std::string_view(type->get_string().data(), type->get_string().size())
                                   : std::string_view();
}

std::vector<std::string> required_of(const json::object& schema) {
  std::vector<std::string> names;
  const auto* list = schema.if_contains("required");
  if (list && list->is_array())
    for (const auto& name : list->get_array())
      if (name.is_string()) names.emplace_back(name.get_string());
  return names;
}

// The least that fits.
json::value least_for(const json::value& schema) {
  const auto* about = schema.if_object();
  if (!about) return nullptr;
  for (const char* list : {"enum", "examples"})
    if (const auto* values = about->if_contains(list);
        values && values->is_array() && !values->get_array().empty())
      return values->get_array()[0];
  if (const auto* only = about->if_contains("const")) return *only;
  const auto type = type_of(*about);
  if (type == "string") return "text";
  if (type == "boolean") return true;
  if (type == "array") return json::array();
  if (type == "integer" || type == "number") {
    const auto* least = about->if_contains("minimum");
    return least && least->is_int64() && least->get_int64() > 1 ? *least : json::value(1);
  }
  json::object made;
  const auto* properties = properties_of(*about);
  for (const auto& name : required_of(*about))
    made[name] = least_for(properties && properties->contains(name) ? properties->at(name) : json::value());
  return made;
}

void add_broken(const json::object& schema, const json::object& right, const std::string& path,
                const std::function<void(json::object, std::string)>& add, int depth) {
  for (const auto& name : required_of(schema)) {
    auto broken = right;
    if (broken.erase(name) > 0) add(std::move(broken), path + name + " is missing");
  }
  const auto* properties = properties_of(schema);
  if (!properties) return;
  const json::value others[] = {true, 1, 1.5, "text", json::array{1}, json::object{{"a", 1}}, -1};
  for (const auto& [key, about] : *properties) {
    const std::string name(key);
    for (const auto& other : others) {
      auto broken = right;
      broken[name] = other;
      add(std::move(broken), path + name + " has a wrong value, " + json::serialize(other));
    }
    const auto* inner = right.if_contains(name);
    if (depth < 3 && inner && inner->is_object() && about.is_object()) {
      const auto add_outer = [&](json::object broken_inner, std::string why) {
        auto broken = right;
        broken[name] = std::move(broken_inner);
        add(std::move(broken), std::move(why));
      };
      add_broken(about.get_object(), inner->get_object(), path + name + ".", add_outer, depth + 1);
    }
  }
}

json::value random_value(std::mt19937_64& from, int depth = 0) {
  switch (from() % (depth < 4 ? 9 : 7)) {
    case 0: return nullptr;
    case 1: return from() % 2 == 0;
    case 2: return static_cast<std::int64_t>(from());
    case 3: return from();
    case 4: return static_cast<double>(from()) / 1e9;
    case 5: return json::string(std::string(from() % 40, static_cast<char>('a' + from() % 26)));
    case 6: return "\xC3\xA4\xE2\x82\xAC\xF0\x9F\x9A\x80\u0001\\\"";
    case 7: {
      json::array list;
      for (auto left = from() % 5; left > 0; --left) list.push_back(random_value(from, depth + 1));
      return list;
    }
    default: {
      json::object object;
      for (auto left = from() % 5; left > 0; --left)
        object[std::string(1 + from() % 12, static_cast<char>('a' + from() % 26))] =
            random_value(from, depth + 1);
      return object;
    }
  }
}

std::string noise(std::mt19937_64& from) {
  std::string text(from() % 200, '\0');
  for (char& c : text) c = static_cast<char>(from());
  return text;
}

std::string random_text(const word& of, const json::object& right, std::mt19937_64& from) {
  auto text = json::serialize(right);
  switch (from() % 10) {
    case 0: return noise(from);
    case 1: return text.substr(0, from() % (text.size() + 1));
    case 2: text[from() % text.size()] = static_cast<char>(from()); return text;
    case 3: return json::serialize(random_value(from));
    case 4: return std::string(1 + from() % 500, "[{"[from() % 2]);
    case 5: {
      std::string deep = R"({"a":)";
      const auto depth = 1 + from() % 1000;
      deep += std::string(depth, '[') + std::string(depth, ']') + "}";
      return deep;
    }
    case 6: return R"({"a":")" + std::string(from() % 100'000, 'x') + "\"}";
    default: {
      auto bent = right;
      std::vector<std::string> names;
      if (const auto* properties = properties_of(of.request_schema))
        for (const auto& member : *properties) names.emplace_back(member.key());
      if (names.empty()) names.emplace_back("a");
      const auto& name = names[from() % names.size()];
      if (from() % 4 == 0)
        bent.erase(name);
      else
        bent[name] = random_value(from);
      return json::serialize(bent);
    }
  }
}

}  // namespace

std::string new_operation_id() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return base::uuid::v7(std::chrono::duration_cast<std::chrono::milliseconds>(now).count()).text();
}

std::optional<json::object> right_body(const word& of) {
  json::object body;
  if (of.example)
    body = *of.example;
  else
    body = least_for(of.request_schema).get_object();
  for (const auto& known : examples)
    if (known.name == of.full_name)
      body = json::parse(json::string_view(known.body.data(), known.body.size())).get_object();
  const auto* properties = properties_of(of.request_schema);
  for (const char* name : {"operation_id", "reversed_operation_id"})
    if (properties && properties->contains(name)) body[name] = new_operation_id();
  if (of.complaint_about_request(body)) return std::nullopt;
  return body;
}

std::vector<wrong_body> wrong_bodies(const word& of) {
  std::vector<wrong_body> all{
      {"{", "the JSON ends early"},          {"nonsense", "it is not JSON"},
      {"{\"a\":1,}", "it is not JSON"},      {"{\"a\":\"\xFF\xFE\"}", "it is not UTF-8"},
      {"[]", "it is a list and no object"},  {"\"text\"", "it is a text and no object"},
      {"12", "it is a number and no object"}};
  const auto right = right_body(of).value_or(json::object());
  add_broken(
      of.request_schema, right, "",
      [&](json::object body, std::string why) {
        if (of.complaint_about_request(body)) all.push_back({json::serialize(body), std::move(why)});
      },
      0);
  return all;
}

random_body any_body(const word& of, std::mt19937_64& from) {
  random_body made;
  const auto right = right_body(of).value_or(json::object());
  made.text = random_text(of, right, from);
  json::error_code failed;
  const auto value = json::parse(made.text.empty() ? "{}" : made.text, failed);
  made.fits = !failed && value.is_object() && !of.complaint_about_request(value.get_object());
  return made;
}

}  // namespace tilld::plugin_check
