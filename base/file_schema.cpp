#include "base/file_schema.hpp"

#include <boost/json.hpp>

namespace tilld::base {

namespace json = boost::json;

namespace {

json::string word(std::string_view text) { return json::string(json::string_view(text.data(), text.size())); }

bool said(const json::object& s, std::string_view keyword) {
  auto* value = s.if_contains(json::string_view(keyword.data(), keyword.size()));
  return value && *value == true;
}

void take_needs_away(json::object& s) {
  s.erase("required");
  if (auto* properties = s.if_contains("properties"))
    for (auto& [name, one] : properties->as_object()) take_needs_away(one.as_object());
  if (!said(s, "x-merged-by-name")) return;
  auto& element = s.at("items").as_object();
  take_needs_away(element);
  element["required"] = json::array{"name"};
}

void allow_nothing(json::object& s) {
  auto* type = s.if_contains("type");
  if (!type) return;
  if (!type->is_array()) *type = json::array{*type};
  type->as_array().push_back("null");
  if (auto* words = s.if_contains("enum")) words->as_array().push_back(nullptr);
}

// Keywords of ours become those that editors know, or go.
json::object printed(const json::object& s) {
  static constexpr std::string_view for_them = "x-editor-";
  json::object out;
  for (auto& [key, value] : s) {
    std::string_view keyword(key.data(), key.size());
    if (keyword.starts_with(for_them))
      out[word(keyword.substr(for_them.size()))] = value;
    else if (keyword == "x-expected")
      out["patternErrorMessage"] = "must be " + std::string(value.as_string());
    else if (!keyword.starts_with("x-"))
      out[key] = value;
  }
  if (auto* items = out.if_contains("items")) *items = printed(items->as_object());
  auto* properties = out.if_contains("properties");
  if (!properties) return out;
  auto* needs = out.if_contains("required");
  for (auto& [name, one] : properties->as_object()) {
    one = printed(one.as_object());
    bool needed = false;
    if (needs)
      for (auto& each : needs->as_array()) needed = needed || each.as_string() == name;
    if (!needed) allow_nothing(one.as_object());
  }
  return out;
}

}  // namespace

namespace shape {

schema judged(schema what, std::string_view pattern, std::string_view expected) {
  return what.with("x-editor-pattern", word(pattern)).with("x-expected", word(expected));
}

schema short_name() {
  schema names({{"type", json::array{"string", "integer"}}, {"minimum", 0}});
  return judged(std::move(names), "^[a-z0-9-]{1,32}$", "1 to 32 characters of a-z 0-9 -");
}

schema absolute_path() { return judged(text(), "^/", "a path that begins with /"); }

schema loopback_address() {
  return judged(text(), R"(^(127(\.[0-9]{1,3}){3}|\[::1\]|localhost):[0-9]{1,5}$)",
                "127.0.0.1:PORT, [::1]:PORT or localhost:PORT");
}

schema with_default(schema what, json::value value) { return what.with("default", std::move(value)); }
schema merged_by_name(schema list) { return list.with("x-merged-by-name", true); }

}  // namespace shape

schema of_drop_in(const schema& s) {
  auto text = s.text();
  take_needs_away(text);
  return schema(std::move(text));
}

json::object for_editors(const schema& s, std::string_view title) {
  json::object out{{"$schema", "http://json-schema.org/draft-07/schema#"}, {"title", word(title)}};
  for (auto& [key, value] : printed(s.text())) out[key] = value;
  // A file with nothing in it has no keys, which an editor sees as null.
  if (!out.contains("required")) allow_nothing(out);
  return out;
}

}  // namespace tilld::base
