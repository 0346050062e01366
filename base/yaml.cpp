#include "base/yaml.hpp"

#include <algorithm>
#include <charconv>
#include <set>

#include <boost/json.hpp>

#include "base/file.hpp"

namespace tilld::base {
namespace {

constexpr std::size_t document_size_max = 1 << 20;
using kind = yaml_node::kind;

std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    auto diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      auto above = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, diagonal + (a[i - 1] != b[j - 1])});
      diagonal = above;
    }
  }
  return row[b.size()];
}

template <class Number>
bool parse_whole(std::string_view text, Number& out) {
  auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), out);
  return code == std::errc() && end == text.data() + text.size();
}

boost::json::value scalar_json(const yaml_node& node) {
  const auto& text = node.scalar;
  if (node.quoted) return boost::json::string(text);
  if (text == "true") return true;
  if (text == "false") return false;
  if (text == "null" || text == "~" || text.empty()) return nullptr;
  // A leading zero is part of a code, a prefix or a phone number.
  auto digits = std::string_view(text).substr(text[0] == '-' ? 1 : 0);
  if (digits.size() > 1 && digits[0] == '0' && digits[1] != '.') return boost::json::string(text);
  std::int64_t whole = 0;
  if (parse_whole(text, whole)) return whole;
  double fraction = 0;
  bool numeric = text.find_first_not_of("0123456789.eE+-") == std::string::npos &&
                 text.find_first_of(".eE") != std::string::npos;
  if (numeric && parse_whole(text, fraction)) return fraction;
  return boost::json::string(text);
}

struct json_fault {
  yaml_tree at;
  std::string why;
};

// How deep and how large it may be was seen to when it was parsed.
std::optional<json_fault> to_json(const yaml_node& node, boost::json::value& out) {
  if (node.what == kind::map) {
    auto& object = out.emplace_object();
    for (auto& [key, value] : node.members) {
      if (key->what != kind::scalar) return json_fault{key, "a key must be a text"};
      if (object.contains(key->scalar))
        return json_fault{key, "the key \"" + key->scalar + "\" stands there twice"};
      if (auto fault = to_json(*value, object[key->scalar])) return fault;
    }
  } else if (node.what == kind::list) {
    auto& list = out.emplace_array();
    for (auto& element : node.items)
      if (auto fault = to_json(*element, list.emplace_back(nullptr))) return fault;
  } else if (node.what == kind::scalar) {
    out = scalar_json(node);
  } else {
    out = nullptr;
  }
  return std::nullopt;
}

}  // namespace

std::optional<std::string> nearest_word(std::string_view word, std::span<const std::string_view> known) {
  std::optional<std::string> best;
  std::size_t best_distance = std::max<std::size_t>(2, word.size() / 2) + 1;
  for (auto candidate : known)
    if (auto distance = edit_distance(word, candidate); distance < best_distance) {
      best_distance = distance;
      best = std::string(candidate);
    }
  return best;
}

std::optional<std::string> nearest_word(std::string_view word,
                                        std::initializer_list<std::string_view> known) {
  return nearest_word(word, std::span(known.begin(), known.size()));
}

result<yaml_value> yaml_value::load(const std::string& path) {
  auto content = read_file(path, document_size_max);
  if (!content) return error{errc::config_unreadable, content.error().detail};
  return parse(std::string(as_text(*content)), path);
}

result<yaml_value> yaml_value::parse(const std::string& text, const std::string& file_name) {
  auto tree = parse_yaml(text, file_name);
  if (!tree) return tree.error();
  return yaml_value(std::move(*tree));
}

error yaml_value::wrong(const std::string& why) const {
  return {errc::config_wrong_value, node_->place() + ": " + (path_.empty() ? "" : path_ + ": ") + why};
}

bool yaml_value::is_map() const { return node_->what == kind::map; }
bool yaml_value::is_list() const { return node_->what == kind::list; }
bool yaml_value::is_null() const { return node_->what == kind::nothing; }

result<std::string> yaml_value::text() const {
  if (node_->what != kind::scalar) return wrong("expected a text");
  return node_->scalar;
}

result<std::int64_t> yaml_value::integer(std::int64_t least, std::int64_t most) const {
  std::int64_t value = 0;
  if (node_->what != kind::scalar || !parse_whole(node_->scalar, value) || value < least || value > most)
    return wrong("expected a whole number from " + std::to_string(least) + " to " + std::to_string(most));
  return value;
}

result<bool> yaml_value::boolean() const {
  if (node_->what == kind::scalar && node_->scalar == "true") return true;
  if (node_->what == kind::scalar && node_->scalar == "false") return false;
  return wrong("expected true or false");
}

result<std::string> yaml_value::one_of(std::initializer_list<std::string_view> words) const {
  std::string listed;
  for (auto word : words) {
    if (node_->what == kind::scalar && node_->scalar == word) return std::string(word);
    listed += (listed.empty() ? "" : ", ") + std::string(word);
  }
  auto why = "expected one of: " + listed;
  if (node_->what == kind::scalar)
    if (auto near = nearest_word(node_->scalar, words)) why += " (did you mean " + *near + "?)";
  return wrong(why);
}

result<std::vector<yaml_value>> yaml_value::list() const {
  if (!is_list()) return wrong("expected a list");
  std::vector<yaml_value> elements;
  for (std::size_t i = 0; i < node_->items.size(); ++i)
    elements.push_back(yaml_value(node_->items[i], path_ + "[" + std::to_string(i) + "]"));
  return elements;
}

result<yaml_map> yaml_value::map(std::initializer_list<std::string_view> known_keys) const {
  if (is_null()) return yaml_map(*this);
  if (!is_map()) return wrong("expected keys and values");
  std::set<std::string> seen;
  for (auto& [key_node, value] : node_->members) {
    yaml_value at(key_node, path_);
    if (key_node->what != kind::scalar) return at.wrong("a key must be a text");
    const auto& key = key_node->scalar;
    if (std::find(known_keys.begin(), known_keys.end(), key) == known_keys.end()) {
      auto e = at.wrong("unknown key \"" + key + "\"");
      e.code = errc::config_unknown_key;
      if (auto near = nearest_word(key, known_keys)) e.detail += ", did you mean \"" + *near + "\"?";
      return e;
    }
    if (!seen.insert(key).second) return at.wrong("the key \"" + key + "\" stands there twice");
  }
  return yaml_map(*this);
}

result<boost::json::value> yaml_value::json() const {
  boost::json::value out;
  if (auto fault = to_json(*node_, out)) return yaml_value(fault->at, path_).wrong(fault->why);
  return out;
}

std::optional<yaml_value> yaml_map::find(std::string_view key) const {
  auto found = whole_.node_->member(key);
  if (!found || found->what == kind::nothing) return std::nullopt;
  return yaml_value(found, whole_.path_.empty() ? std::string(key) : whole_.path_ + "." + std::string(key));
}

result<yaml_value> yaml_map::need(std::string_view key) const {
  if (auto found = find(key)) return *found;
  return whole_.wrong("the key \"" + std::string(key) + "\" is missing");
}

}  // namespace tilld::base
