#include "base/yaml_fit.hpp"

#include <algorithm>
#include <charconv>
#include <span>

namespace tilld::base {
namespace {

using kind = yaml_node::kind;

constexpr std::size_t complaints_max = 32;

// A place on the way that a complaint describes.
struct spot {
  yaml_tree node;
  std::string path;  // "plugins[1].config"

  spot below(const std::string& step) const {
    if (node->what == kind::list) {
      std::size_t i = 0;
      std::from_chars(step.data(), step.data() + step.size(), i);
      return {i < node->items.size() ? node->items[i] : nullptr, path + "[" + step + "]"};
    }
    return {node->member(step), path.empty() ? step : path + "." + step};
  }
  std::string saying(const std::string& why) const {
    return node->place() + ": " + (path.empty() ? "" : path + ": ") + why;
  }
};

// A key that is missing is mostly there, and mistyped.
const schema_complaint& most_helpful(const std::vector<schema_complaint>& found) {
  using about = schema_complaint::about;
  auto& first = found.front();
  if (first.what != about::missing_member) return first;
  auto above = [](const schema_complaint& c) { return std::span(c.path).first(c.path.size() - 1); };
  for (auto& other : found)
    if (other.what == about::unknown_member && std::ranges::equal(above(other), above(first))) return other;
  return first;
}

// base/schema.hpp speaks of JSON; whoever writes YAML has seen no object.
std::string in_words_of_yaml(const schema_complaint& c, const yaml_node& at) {
  if (c.why == "must be an object") return "must be keys and values";
  if (c.why == "must be a list") return "must be a list: lines that begin with \"- \", or [a, b]";
  if (c.why == "must be text" && at.what == kind::scalar) return "must be text; put it in quotes";
  return c.why;
}

}  // namespace

result<> fits(const yaml_value& document, const schema& s) {
  auto json = document.json();
  if (!json) return json.error();
  if (document.is_null()) json->emplace_object();
  if (!json->is_object()) return document.wrong("must be keys and values");
  auto found = complaints(s, *json, complaints_max);
  if (found.empty()) return {};
  auto& c = most_helpful(found);

  spot at{document.tree(), document.key_path()}, above = at;
  for (auto& step : c.path) {
    above = at;
    at = above.below(step);
    if (!at.node) break;
  }
  auto last = c.path.empty() ? std::string() : c.path.back();
  if (c.what == schema_complaint::about::unknown_member) {
    static constexpr std::string_view known_not = "is not known here";
    above.node = above.node->key_node(last);
    auto why = "unknown key \"" + last + "\"" + c.why.substr(known_not.size());
    if (auto space = last.find(' '); space != last.npos)
      why += "; is a \":\" missing behind \"" + last.substr(0, space) + "\"?";
    return error{errc::config_unknown_key, above.saying(why)};
  }
  if (c.what == schema_complaint::about::missing_member || !at.node || at.node->what == kind::nothing)
    return error{errc::config_wrong_value, above.saying("the key \"" + last + "\" is missing")};
  return error{errc::config_wrong_value, at.saying(in_words_of_yaml(c, *at.node))};
}

}  // namespace tilld::base
