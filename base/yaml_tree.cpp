#include "base/yaml_tree.hpp"

#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <optional>
#include <set>

namespace tilld::base {
namespace {

using kind = yaml_node::kind;

constexpr int node_count_max = 100'000;  // aliases can make a small text a large tree
constexpr int depth_max = 64;

// Octets of the well-formed character that the text begins with, 0 when it is none (RFC 3629: no surrogates,
// nothing longer than needed).
std::size_t character_size(std::string_view text) {
  auto octet = [&](std::size_t i) { return static_cast<unsigned char>(i < text.size() ? text[i] : 0); };
  auto tail = [&](std::size_t i) { return (octet(i) & 0xc0) == 0x80; };
  unsigned char first = octet(0);
  if (first < 0x80) return 1;
  if (first >= 0xc2 && first < 0xe0) return tail(1) ? 2 : 0;
  if (first >= 0xe0 && first < 0xf0) {
    if ((first == 0xe0 && octet(1) < 0xa0) || (first == 0xed && octet(1) >= 0xa0)) return 0;
    return tail(1) && tail(2) ? 3 : 0;
  }
  if (first >= 0xf0 && first < 0xf5) {
    if ((first == 0xf0 && octet(1) < 0x90) || (first == 0xf4 && octet(1) >= 0x90)) return 0;
    return tail(1) && tail(2) && tail(3) ? 4 : 0;
  }
  return 0;
}

// "LINE:COLUMN" of the first octet that belongs to no character.
std::optional<std::string> first_octet_that_is_no_text(std::string_view text) {
  int line = 1, column = 1;
  while (!text.empty()) {
    auto size = character_size(text);
    if (size == 0) return std::to_string(line) + ":" + std::to_string(column);
    if (text[0] == '\n') {
      ++line;
      column = 0;
    }
    ++column;
    text.remove_prefix(size);
  }
  return std::nullopt;
}

constexpr auto tab_sentence = "; the line begins with a tab, and YAML is indented by spaces only";

bool is_indented_by_a_tab(std::string_view text, int line) {
  for (; line > 0; --line) {
    auto end = text.find('\n');
    if (end == text.npos) return false;
    text.remove_prefix(end + 1);
  }
  auto indented = text.substr(0, text.find_first_not_of(" \t"));
  return indented.find('\t') != indented.npos;
}

class reading {
 public:
  reading(std::string_view text, const std::string& file_name)
      : text_(text), file_(std::make_shared<const std::string>(file_name)) {
    lines_.push_back(0);
    for (std::size_t at = text_.find('\n'); at != text_.npos; at = text_.find('\n', at + 1))
      lines_.push_back(at + 1);
  }

  yaml_tree whole(const YAML::Node& from) { return node(from, 0); }
  const std::optional<std::string>& fault() const { return fault_; }

 private:
  yaml_tree node(const YAML::Node& from, int depth) {
    auto to = std::make_shared<yaml_node>();
    to->file = file_;
    if (auto mark = from.Mark(); !mark.is_null()) {
      to->line = mark.line + 1;
      to->column = mark.column + 1;
    }
    if (fault_) return to;
    if (--budget_ < 0 || depth > depth_max) {
      fault_ = to->place() + ": too large or too deeply nested";
      return to;
    }
    if (from.IsMap()) {
      to->what = kind::map;
      for (auto& member : from) {
        auto key = node(member.first, depth + 1);
        to->members.emplace_back(std::move(key), node(member.second, depth + 1));
        if (fault_) break;
      }
    } else if (from.IsSequence()) {
      to->what = kind::list;
      for (auto& item : from) {
        to->items.push_back(node(item, depth + 1));
        if (fault_) break;
      }
    } else if (from.IsScalar()) {
      to->what = kind::scalar;
      to->quoted = from.Tag() == "!" || from.Tag() == "tag:yaml.org,2002:str";
      to->scalar = from.Scalar();
    } else {
      to->taken_back = is_null_word(*to);
    }
    return to;
  }

  // yaml-cpp gives the same for "key:" and "key: ~". The mark of the first is where the next thing stands,
  // which may be a key that begins like such a word.
  bool is_null_word(const yaml_node& at) const {
    if (at.line < 1 || static_cast<std::size_t>(at.line) > lines_.size()) return false;
    auto begin = lines_[static_cast<std::size_t>(at.line) - 1] + static_cast<std::size_t>(at.column) - 1;
    if (begin >= text_.size()) return false;
    auto rest = text_.substr(begin);
    for (std::string_view word : {"~", "null", "Null", "NULL"})
      if (rest.starts_with(word)) {
        rest.remove_prefix(word.size());
        auto behind = rest.find_first_not_of(" \t");
        return rest.empty() || (std::string_view(" \t\r\n,]}").find(rest[0]) != rest.npos &&
                                (behind == rest.npos || rest[behind] != ':'));
      }
    return false;
  }

  std::string_view text_;
  std::shared_ptr<const std::string> file_;
  std::vector<std::size_t> lines_;  // where each begins
  int budget_ = node_count_max;
  std::optional<std::string> fault_;
};

const boost::json::object* inside(const boost::json::object* schema, std::string_view keyword) {
  auto* found =
      schema ? schema->if_contains(boost::json::string_view(keyword.data(), keyword.size())) : nullptr;
  return found ? found->if_object() : nullptr;
}

bool merges_by_name(const boost::json::object* schema) {
  auto* said = schema ? schema->if_contains("x-merged-by-name") : nullptr;
  return said && *said == true;
}

std::string name_of(const yaml_tree& element) {
  auto name = element->member("name");
  return name ? name->scalar : std::string();
}

yaml_tree merged(const yaml_tree& under, const yaml_tree& over, const boost::json::object* schema);

yaml_tree merged_map(const yaml_tree& under, const yaml_tree& over, const boost::json::object* schema) {
  auto to = std::make_shared<yaml_node>(*under);
  for (auto& [key, value] : over->members) {
    auto at = std::find_if(to->members.begin(), to->members.end(),
                           [&, &wanted = key](auto& one) { return one.first->scalar == wanted->scalar; });
    if (at == to->members.end()) {
      to->members.emplace_back(key, value);
      continue;
    }
    auto together = merged(at->second, value, inside(inside(schema, "properties"), key->scalar));
    // Where a value comes from the later file, so does its key.
    if (together == value) at->first = key;
    at->second = std::move(together);
  }
  return to;
}

yaml_tree merged_list(const yaml_tree& under, const yaml_tree& over, const boost::json::object* schema) {
  auto to = std::make_shared<yaml_node>(*under);
  std::set<std::string> seen;
  for (auto& element : over->items) {
    auto name = name_of(element);
    auto end = to->items.begin() + static_cast<std::ptrdiff_t>(under->items.size());
    auto at = std::find_if(to->items.begin(), end, [&](auto& one) { return name_of(one) == name; });
    // Twice in one file is a slip of the pen, which whoever reads the whole will find.
    if (at == end || !seen.insert(name).second) {
      to->items.push_back(element);
      continue;
    }
    // The name was given where the element was first described; here it only says which one is meant.
    auto changes = std::make_shared<yaml_node>(*element);
    std::erase_if(changes->members, [](auto& one) { return one.first->scalar == "name"; });
    *at = merged(*at, changes, inside(schema, "items"));
  }
  return to;
}

yaml_tree merged(const yaml_tree& under, const yaml_tree& over, const boost::json::object* schema) {
  if (over->what == kind::nothing && !over->taken_back) return under;
  if (under->what == kind::map && over->what == kind::map) return merged_map(under, over, schema);
  if (under->what == kind::list && over->what == kind::list && merges_by_name(schema))
    return merged_list(under, over, schema);
  return over;
}

}  // namespace

std::string yaml_node::place() const {
  if (line == 0) return *file;
  return *file + ":" + std::to_string(line) + ":" + std::to_string(column);
}

yaml_tree yaml_node::member(std::string_view key) const {
  for (auto& [name, value] : members)
    if (name->what == kind::scalar && name->scalar == key) return value;
  return nullptr;
}

yaml_tree yaml_node::key_node(std::string_view key) const {
  for (auto& [name, value] : members)
    if (name->what == kind::scalar && name->scalar == key) return name;
  return nullptr;
}

result<yaml_tree> parse_yaml(std::string_view text, const std::string& file_name) {
  if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
  if (auto place = first_octet_that_is_no_text(text))
    return error{errc::config_unreadable, file_name + ":" + *place + ": is not UTF-8"};
  try {
    auto documents = YAML::LoadAll(std::string(text));
    if (documents.size() > 1)
      return error{errc::config_unreadable, file_name + ": only one document may stand in a file"};
    reading r(text, file_name);
    auto whole = r.whole(documents.empty() ? YAML::Node() : documents.front());
    if (r.fault()) return error{errc::config_unreadable, *r.fault()};
    return whole;
  } catch (const YAML::ParserException& e) {
    return error{errc::config_unreadable, file_name + ":" + std::to_string(e.mark.line + 1) + ":" +
                                              std::to_string(e.mark.column + 1) + ": " + e.msg +
                                              (is_indented_by_a_tab(text, e.mark.line) ? tab_sentence : "")};
  } catch (const YAML::Exception& e) {
    return error{errc::config_unreadable, file_name + ": " + e.msg};
  }
}

yaml_tree lay_over(const yaml_tree& under, const yaml_tree& over, const boost::json::object& schema) {
  return merged(under, over, &schema);
}

}  // namespace tilld::base
