#include "base/yaml.hpp"

#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <charconv>
#include <set>

#include <boost/json.hpp>

#include "base/file.hpp"

namespace tilld::base {
namespace {

constexpr std::size_t document_size_max = 1 << 20;
constexpr int node_count_max = 100'000;  // aliases can make a small text a large tree
constexpr int depth_max = 64;

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

boost::json::value scalar_json(const YAML::Node& node) {
  const auto& text = node.Scalar();
  if (node.Tag() == "!") return boost::json::string(text);  // it was quoted
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
  YAML::Node at;
  std::string why;
};

std::optional<json_fault> to_json(const YAML::Node& node, int depth, int& budget, boost::json::value& out) {
  if (--budget < 0 || depth > depth_max) return json_fault{node, "too large or too deeply nested"};
  if (node.IsMap()) {
    auto& object = out.emplace_object();
    for (auto& member : node) {
      if (!member.first.IsScalar()) return json_fault{member.first, "a key must be a text"};
      const auto& key = member.first.Scalar();
      if (object.contains(key)) return json_fault{member.first, "the key \"" + key + "\" stands there twice"};
      if (auto fault = to_json(member.second, depth + 1, budget, object[key])) return fault;
    }
  } else if (node.IsSequence()) {
    auto& list = out.emplace_array();
    for (auto& element : node)
      if (auto fault = to_json(element, depth + 1, budget, list.emplace_back(nullptr))) return fault;
  } else if (node.IsScalar()) {
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

yaml_value::yaml_value(std::shared_ptr<const YAML::Node> node, std::shared_ptr<const std::string> file,
                       std::string path)
    : node_(std::move(node)), file_(std::move(file)), path_(std::move(path)) {}

result<yaml_value> yaml_value::load(const std::string& path) {
  auto content = read_file(path, document_size_max);
  if (!content) return error{errc::config_unreadable, content.error().detail};
  return parse(std::string(as_text(*content)), path);
}

result<yaml_value> yaml_value::parse(const std::string& text, const std::string& file_name) {
  auto file = std::make_shared<const std::string>(file_name);
  try {
    auto documents = YAML::LoadAll(text);
    if (documents.size() > 1)
      return error{errc::config_unreadable, file_name + ": only one document may stand in a file"};
    auto root = documents.empty() ? YAML::Node() : documents.front();
    return yaml_value(std::make_shared<const YAML::Node>(root), file, "");
  } catch (const YAML::ParserException& e) {
    return error{errc::config_unreadable, file_name + ":" + std::to_string(e.mark.line + 1) + ":" +
                                              std::to_string(e.mark.column + 1) + ": " + e.msg};
  } catch (const YAML::Exception& e) {
    return error{errc::config_unreadable, file_name + ": " + e.msg};
  }
}

std::string yaml_value::place() const {
  auto mark = node_->Mark();
  if (mark.is_null()) return *file_;
  return *file_ + ":" + std::to_string(mark.line + 1) + ":" + std::to_string(mark.column + 1);
}

error yaml_value::wrong(const std::string& why) const {
  return {errc::config_wrong_value, place() + ": " + (path_.empty() ? "" : path_ + ": ") + why};
}

bool yaml_value::is_map() const { return node_->IsMap(); }
bool yaml_value::is_list() const { return node_->IsSequence(); }
bool yaml_value::is_null() const { return !node_->IsDefined() || node_->IsNull(); }

result<std::string> yaml_value::text() const {
  if (!node_->IsScalar()) return wrong("expected a text");
  return node_->Scalar();
}

result<std::int64_t> yaml_value::integer(std::int64_t least, std::int64_t most) const {
  std::int64_t value = 0;
  if (!node_->IsScalar() || !parse_whole(node_->Scalar(), value) || value < least || value > most)
    return wrong("expected a whole number from " + std::to_string(least) + " to " + std::to_string(most));
  return value;
}

result<bool> yaml_value::boolean() const {
  if (node_->IsScalar() && node_->Scalar() == "true") return true;
  if (node_->IsScalar() && node_->Scalar() == "false") return false;
  return wrong("expected true or false");
}

result<std::string> yaml_value::one_of(std::initializer_list<std::string_view> words) const {
  std::string listed;
  for (auto word : words) {
    if (node_->IsScalar() && node_->Scalar() == word) return std::string(word);
    listed += (listed.empty() ? "" : ", ") + std::string(word);
  }
  auto why = "expected one of: " + listed;
  if (node_->IsScalar())
    if (auto near = nearest_word(node_->Scalar(), words)) why += " (did you mean " + *near + "?)";
  return wrong(why);
}

result<std::vector<yaml_value>> yaml_value::list() const {
  if (!node_->IsSequence()) return wrong("expected a list");
  std::vector<yaml_value> elements;
  for (std::size_t i = 0; i < node_->size(); ++i)
    elements.push_back(yaml_value(std::make_shared<const YAML::Node>((*node_)[i]), file_,
                                  path_ + "[" + std::to_string(i) + "]"));
  return elements;
}

result<yaml_map> yaml_value::map(std::initializer_list<std::string_view> known_keys) const {
  if (is_null()) return yaml_map(*this);
  if (!node_->IsMap()) return wrong("expected keys and values");
  std::set<std::string> seen;
  for (auto& member : *node_) {
    yaml_value at(std::make_shared<const YAML::Node>(member.first), file_, path_);
    if (!member.first.IsScalar()) return at.wrong("a key must be a text");
    const auto& key = member.first.Scalar();
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
  int budget = node_count_max;
  if (auto fault = to_json(*node_, 0, budget, out))
    return yaml_value(std::make_shared<const YAML::Node>(fault->at), file_, path_).wrong(fault->why);
  return out;
}

std::optional<yaml_value> yaml_map::find(std::string_view key) const {
  if (!whole_.node_->IsMap()) return std::nullopt;
  for (auto& member : *whole_.node_)
    if (member.first.IsScalar() && member.first.Scalar() == key) {
      auto path = whole_.path_.empty() ? std::string(key) : whole_.path_ + "." + std::string(key);
      yaml_value value(std::make_shared<const YAML::Node>(member.second), whole_.file_, path);
      if (value.is_null()) return std::nullopt;
      return value;
    }
  return std::nullopt;
}

result<yaml_value> yaml_map::need(std::string_view key) const {
  if (auto found = find(key)) return *found;
  return whole_.wrong("the key \"" + std::string(key) + "\" is missing");
}

}  // namespace tilld::base
