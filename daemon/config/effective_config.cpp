#include "daemon/config/effective_config.hpp"

#include <algorithm>
#include <filesystem>
#include <regex>
#include <set>

#include <boost/json.hpp>

#include "daemon/config/config_schema.hpp"
#include "daemon/config/installed_places.hpp"

namespace tilld::daemon {

namespace json = boost::json;
using base::yaml_node;
using base::yaml_tree;
using kind = yaml_node::kind;

namespace {

constexpr std::size_t origin_column_max = 60;
constexpr auto not_shown = "\"(not shown)\"";

// The words of the key, as in door_pin, api-key or clientSecret.
bool sounds_secret(const std::string& key) {
  static const std::set<std::string> words = {
      "auth",       "authorization", "credential", "credentials", "key",     "keys", "pass",
      "passphrase", "password",      "passwd",     "pin",         "private", "puk",  "pwd",
      "secret",     "secrets",       "token",      "tokens",      "apikey"};
  std::string one;
  bool lower_before = false, found = false;
  auto end_word = [&] {
    found = found || words.count(one) > 0;
    one.clear();
  };
  for (char c : key) {
    bool upper = c >= 'A' && c <= 'Z';
    bool letter = upper || (c >= 'a' && c <= 'z');
    if (!letter || (upper && lower_before)) end_word();
    if (letter) one += upper ? static_cast<char>(c + ('a' - 'A')) : c;
    lower_before = letter && !upper;
  }
  end_word();
  return found;
}

std::string scalar_text(const yaml_node& node, bool of_plugin) {
  auto text = node.scalar;
  if (of_plugin) {
    static const std::regex credentials(R"(://[^/@\s]*@)");
    text = std::regex_replace(text, credentials, "://(not shown)@");
  }
  bool printable =
      std::none_of(text.begin(), text.end(), [](char c) { return (c >= 0 && c < 0x20) || c == 0x7f; });
  return node.quoted || !printable || text != node.scalar ? json::serialize(json::value(text)) : text;
}

std::string key_text(const std::string& key) {
  bool plain = !key.empty() && std::all_of(key.begin(), key.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-' || c == '.';
  });
  return plain ? key : json::serialize(json::value(key));
}

class page {
 public:
  explicit page(const layers& from)
      : folder_(std::filesystem::path(from.files.front()).parent_path().string()) {}

  // The keys that the schema has, in its order: those that are set, and those that have a default.
  void known_map(const json::object& schema, const yaml_node* map, const std::string& indent,
                 std::string lead) {
    for (auto& [name, value] : schema.at("properties").as_object()) {
      auto& what = value.as_object();
      std::string key(name);
      auto node = map ? map->member(key) : nullptr;
      if (node && node->what == kind::nothing) node = nullptr;
      auto begin = lead + key + ":";
      auto printed = lines_.size();
      if (node && node->what == kind::list)
        known_list(what, *node, indent, begin);
      else if (what.contains("properties")) {
        if (!node && !has_defaults(what)) continue;
        line(begin, "");
        known_map(what, node.get(), indent + "  ", indent + "  ");
      } else if (node && node->what == kind::map)
        free_map(*node, indent, begin);
      else if (node)
        line(begin + " " + scalar_text(*node, false), origin(*node));
      else if (auto* otherwise = what.if_contains("default"))
        line(begin + " " + plain(*otherwise), "default");
      else if (key == "plugin_folder")
        line(begin + " " + own_places().plugin_folder, "default");
      // A list's mark stands before the first key that is printed.
      if (lines_.size() > printed) lead = indent;
    }
  }

  std::string text() const {
    std::size_t column = 0;
    for (auto& [what, from] : lines_)
      if (!from.empty() && what.size() <= origin_column_max) column = std::max(column, what.size());
    std::string all;
    for (auto& [what, from] : lines_) {
      all += what;
      if (!from.empty())
        all += std::string(what.size() < column ? column - what.size() : 0, ' ') + "  # " + from;
      all += "\n";
    }
    return all;
  }

 private:
  // What needs a key that nobody gave is not there at all.
  static bool has_defaults(const json::object& schema) {
    if (auto* needed = schema.if_contains("required"); needed && !needed->as_array().empty()) return false;
    for (auto& [name, one] : schema.at("properties").as_object())
      if (one.as_object().contains("default")) return true;
    return false;
  }

  static std::string plain(const json::value& v) {
    return v.is_string() ? std::string(v.as_string()) : json::serialize(v);
  }

  void known_list(const json::object& schema, const yaml_node& list, const std::string& indent,
                  const std::string& begin) {
    if (list.items.empty()) return line(begin + " []", origin(list));
    line(begin, "");
    auto& element = schema.at("items").as_object();
    for (auto& item : list.items)
      if (element.contains("properties"))
        known_map(element, item.get(), indent + "    ", indent + "  - ");
      else
        line(indent + "  - " + scalar_text(*item, false), origin(*item));
  }

  // What plugins read.
  void free_map(const yaml_node& map, const std::string& indent, const std::string& begin) {
    if (map.members.empty()) return line(begin + " {}", origin(map));
    line(begin, "");
    for (auto& [key, value] : map.members) {
      auto start = indent + "  " + key_text(key->scalar) + ":";
      if (sounds_secret(key->scalar))
        line(start + " " + not_shown, origin(*value));
      else
        free_value(*value, indent + "  ", start);
    }
  }

  void free_value(const yaml_node& value, const std::string& indent, const std::string& begin) {
    if (value.what == kind::map) return free_map(value, indent, begin);
    if (value.what == kind::nothing) return line(begin + " ~", origin(value));
    if (value.what == kind::scalar) return line(begin + " " + scalar_text(value, true), origin(value));
    if (value.items.empty()) return line(begin + " []", origin(value));
    line(begin, "");
    // An element that holds more begins on a line of its own, which needs no rule for what stands behind "-".
    for (auto& item : value.items) free_value(*item, indent + "    ", indent + "  -");
  }

  std::string origin(const yaml_node& node) const {
    auto file = *node.file;
    if (!folder_.empty() && file.starts_with(folder_ + "/")) file = file.substr(folder_.size() + 1);
    return file + ":" + std::to_string(node.line);
  }

  void line(std::string what, std::string from) { lines_.emplace_back(std::move(what), std::move(from)); }

  std::string folder_;
  std::vector<std::pair<std::string, std::string>> lines_;
};

}  // namespace

std::string effective_config(const layers& from) {
  std::string head = "# What is in effect, read in this order:\n";
  for (auto& file : from.files) head += "#   " + file + "\n";
  page p(from);
  p.known_map(config_schema().text(), from.whole.tree().get(), "", "");
  return head + p.text();
}

}  // namespace tilld::daemon
