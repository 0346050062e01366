#include "base/schema.hpp"

#include <algorithm>
#include <cmath>
#include <optional>
#include <regex>

#include <boost/json.hpp>

#include "base/id.hpp"
#include "base/yaml.hpp"

namespace tilld::base {

namespace json = boost::json;

namespace {

constexpr int schema_depth_max = 100;  // of value and schema together; a $ref may go round in circles
constexpr std::size_t pattern_input_max = 4096;  // std::regex goes down the stack with every character

std::size_t characters(std::string_view text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xc0) != 0x80; }));
}

std::string_view view(const json::string& s) { return {s.data(), s.size()}; }

const json::value* find(const json::object& o, std::string_view key) {
  return o.if_contains(json::string_view(key.data(), key.size()));
}

std::optional<double> number(const json::object& s, std::string_view keyword) {
  auto* v = find(s, keyword);
  if (!v || !v->is_number()) return std::nullopt;
  return v->to_number<double>();
}

std::optional<std::size_t> size(const json::object& s, std::string_view keyword) {
  auto n = number(s, keyword);
  if (!n || *n < 0) return std::nullopt;
  return static_cast<std::size_t>(*n);
}

std::string shown(const json::value& v) { return v.is_string() ? std::string(v.get_string()) : serialize(v); }

class walk {
 public:
  walk(const json::object& root, std::size_t most) : root_(root), most_(most) {}

  void check(const json::value& schema, const json::value& v) {
    if (full() || depth_ >= schema_depth_max) return;
    if (schema.is_bool()) {
      if (!schema.get_bool()) complain("is not allowed here");
      return;
    }
    auto* s = schema.if_object();
    if (!s) return;
    ++depth_;
    check_value(*s, v);
    --depth_;
  }

  // The root, which is an object more often than a value.
  void check_root(const json::object& s, const json::value& v) { check_value(s, v); }
  void check_root(const json::object& s, const json::object& o) {
    if (find(s, "$ref") || find(s, "anyOf") || find(s, "oneOf") || find(s, "allOf") || find(s, "not"))
      return check_value(s, json::value(o));
    check_members(s, o);
  }

  std::vector<schema_complaint> found;

 private:
  bool full() const { return found.size() >= most_; }

  void complain(std::string why, schema_complaint::about what = schema_complaint::about::value) {
    if (!full()) found.push_back({what, path_, std::move(why)});
  }

  void check_value(const json::object& s, const json::value& v) {
    if (auto* ref = find(s, "$ref")) {
      auto* to = ref->is_string() ? resolve(view(ref->get_string())) : nullptr;
      if (!to) return complain("has a schema that refers to nothing: " + shown(*ref));
      return check(*to, v);
    }
    auto before = found.size();
    if (auto* type = find(s, "type"); type && !fits_type(*type, v)) return complain(type_sentence(s, *type));
    if (auto* words = find(s, "enum"); words && words->is_array()) check_enum(words->get_array(), v);
    if (auto* only = find(s, "const"); only && *only != v) complain("must be " + shown(*only));
    if (found.size() > before) return;
    if (v.is_number()) check_number(s, v);
    if (v.is_string()) check_text(s, view(v.get_string()));
    if (v.is_array()) check_list(s, v.get_array());
    if (v.is_object()) check_members(s, v.get_object());
    check_combined(s, v);
  }

  static bool fits_word(std::string_view type, const json::value& v) {
    if (type == "object") return v.is_object();
    if (type == "array") return v.is_array();
    if (type == "string") return v.is_string();
    if (type == "boolean") return v.is_bool();
    if (type == "null") return v.is_null();
    if (type == "integer") return v.is_int64() || v.is_uint64();
    if (type == "number") return v.is_number();
    return true;
  }

  static bool fits_type(const json::value& type, const json::value& v) {
    if (type.is_string()) return fits_word(view(type.get_string()), v);
    auto* any = type.if_array();
    return !any || std::any_of(any->begin(), any->end(), [&](auto& one) {
      return !one.is_string() || fits_word(view(one.get_string()), v);
    });
  }

  static std::string type_sentence(const json::object& s, const json::value& type) {
    auto say = [&](std::string_view word) -> std::string {
      if (word == "object") return "an object";
      if (word == "array") return "a list";
      if (word == "string") return "text";
      if (word == "boolean") return "true or false";
      if (word == "null") return "nothing";
      if (word == "integer") return "an integer" + range(s);
      return "a number" + range(s);
    };
    if (type.is_string()) return "must be " + say(view(type.get_string()));
    std::string all;
    for (auto& one : type.as_array())
      if (one.is_string()) all += (all.empty() ? "" : " or ") + say(view(one.get_string()));
    return "must be " + all;
  }

  static std::string range(const json::object& s) {
    auto *least = find(s, "minimum"), *most = find(s, "maximum");
    if (least && most) return " from " + shown(*least) + " to " + shown(*most);
    if (least) return ", at least " + shown(*least);
    if (most) return ", at most " + shown(*most);
    return "";
  }

  void check_enum(const json::array& words, const json::value& v) {
    if (std::find(words.begin(), words.end(), v) != words.end()) return;
    std::string why = "must be ";
    std::vector<std::string_view> known;
    for (std::size_t i = 0; i < words.size(); ++i) {
      why += (i == 0 ? "" : i + 1 == words.size() ? " or " : ", ") + shown(words[i]);
      if (words[i].is_string()) known.push_back(view(words[i].get_string()));
    }
    if (v.is_string())
      if (auto near = nearest_word(view(v.get_string()), known)) why += ", did you mean \"" + *near + "\"?";
    complain(std::move(why));
  }

  void check_number(const json::object& s, const json::value& v) {
    auto n = v.to_number<double>();
    auto least = number(s, "minimum"), most = number(s, "maximum");
    auto above = number(s, "exclusiveMinimum"), below = number(s, "exclusiveMaximum");
    if ((least && n < *least) || (most && n > *most))
      complain(std::string("must be ") + (v.is_double() ? "a number" : "an integer") + range(s));
    else if (above && n <= *above)
      complain("must be more than " + shown(*find(s, "exclusiveMinimum")));
    else if (below && n >= *below)
      complain("must be less than " + shown(*find(s, "exclusiveMaximum")));
  }

  void check_text(const json::object& s, std::string_view text) {
    auto least = size(s, "minLength"), most = size(s, "maxLength");
    auto length = characters(text);
    if ((least && length < *least) || (most && length > *most)) {
      if (least && *least == 1 && length == 0) return complain("is empty");
      if (least && most)
        return complain("must have " + std::to_string(*least) + " to " + std::to_string(*most) +
                        " characters");
      return complain(least ? "must have at least " + std::to_string(*least) + " characters"
                            : "must have at most " + std::to_string(*most) + " characters");
    }
    if (auto* format = find(s, "format"); format && *format == "uuid" && !uuid::parse(text))
      return complain("must be a UUID");
    if (auto* pattern = find(s, "pattern"); pattern && pattern->is_string()) check_pattern(s, *pattern, text);
  }

  void check_pattern(const json::object& s, const json::value& pattern, std::string_view text) {
    if (text.size() > pattern_input_max) return complain("is too long");
    try {
      std::regex wanted(std::string(pattern.get_string()), std::regex::ECMAScript);
      if (std::regex_search(text.begin(), text.end(), wanted)) return;
    } catch (const std::regex_error&) {
      return complain("has a schema with a pattern that is none: " + shown(pattern));
    }
    // People are told in words where there are some.
    if (auto* words = find(s, "x-expected"); words && words->is_string())
      return complain("must be " + shown(*words));
    complain("must match " + shown(pattern));
  }

  void check_list(const json::object& s, const json::array& list) {
    auto least = size(s, "minItems"), most = size(s, "maxItems");
    if ((least && list.size() < *least) || (most && list.size() > *most)) {
      if (least && most)
        return complain("must be a list of " + std::to_string(*least) + " to " + std::to_string(*most));
      return complain(least ? "must be a list of at least " + std::to_string(*least)
                            : "must be a list of at most " + std::to_string(*most));
    }
    auto* items = find(s, "items");
    if (!items) return;
    for (std::size_t i = 0; i < list.size() && !full(); ++i) {
      auto* one = items;
      if (auto* each = items->if_array()) one = i < each->size() ? &(*each)[i] : nullptr;
      if (!one) break;
      path_.push_back(std::to_string(i));
      check(*one, list[i]);
      path_.pop_back();
    }
  }

  static bool is_required(const json::array* required, std::string_view name) {
    return required && std::any_of(required->begin(), required->end(),
                                   [&](auto& r) { return r.is_string() && view(r.get_string()) == name; });
  }

  void check_members(const json::object& s, const json::object& o) {
    auto* given = find(s, "properties");
    auto* properties = given ? given->if_object() : nullptr;
    auto* list = find(s, "required");
    auto* required = list ? list->if_array() : nullptr;
    if (required)
      for (auto& name : *required)
        if (name.is_string() && !o.contains(name.get_string())) {
          path_.emplace_back(view(name.get_string()));
          complain("is missing", schema_complaint::about::missing_member);
          path_.pop_back();
        }
    if (properties)
      for (auto& [name, one] : *properties) {
        auto* value = o.if_contains(name);
        if (!value || (value->is_null() && !is_required(required, name))) continue;
        path_.emplace_back(name);
        check(one, *value);
        path_.pop_back();
      }
    auto least = size(s, "minProperties"), most = size(s, "maxProperties");
    if (least && o.size() < *least) complain("must have at least " + std::to_string(*least) + " members");
    if (most && o.size() > *most) complain("must have at most " + std::to_string(*most) + " members");
    auto *others = find(s, "additionalProperties"), *names = find(s, "propertyNames");
    if (!others && !names) return;
    for (auto& [name, value] : o) {
      if (full()) return;
      path_.emplace_back(name);
      if (names) check(*names, json::value(name));
      if (others && (!properties || !properties->contains(name))) {
        if (others->is_bool() && !others->get_bool())
          complain(unknown_sentence(name, properties), schema_complaint::about::unknown_member);
        else
          check(*others, value);
      }
      path_.pop_back();
    }
  }

  static std::string unknown_sentence(std::string_view name, const json::object* properties) {
    std::vector<std::string_view> known;
    if (properties)
      for (auto& [word, one] : *properties) known.push_back(word);
    std::string why = "is not known here";
    if (auto near = nearest_word(name, known)) why += ", did you mean \"" + *near + "\"?";
    return why;
  }

  // Complaints of one branch, which do not count as long as another one fits.
  std::vector<schema_complaint> tried(const json::value& schema, const json::value& v) {
    walk inner(root_, 1);
    inner.path_ = path_;
    inner.depth_ = depth_;
    inner.check(schema, v);
    return std::move(inner.found);
  }

  void check_combined(const json::object& s, const json::value& v) {
    if (auto* all = find(s, "allOf"); all && all->is_array())
      for (auto& one : all->get_array()) check(one, v);
    for (auto keyword : {"anyOf", "oneOf"}) {
      auto* any = find(s, keyword);
      if (!any || !any->is_array() || any->get_array().empty()) continue;
      std::size_t fitting = 0;
      std::optional<schema_complaint> deepest;
      for (auto& one : any->get_array()) {
        auto wrong = tried(one, v);
        if (wrong.empty())
          ++fitting;
        else if (!deepest || wrong[0].path.size() > deepest->path.size())
          deepest = std::move(wrong[0]);
      }
      if (fitting == 0 && !full()) {
        // The branch that went furthest is most likely the one that was meant.
        if (deepest && deepest->path.size() > path_.size())
          found.push_back(std::move(*deepest));
        else
          complain(find(s, "x-expected") ? "must be " + shown(*find(s, "x-expected"))
                                         : "has none of the allowed forms" +
                                               (deepest ? "; one " + deepest->why : std::string()));
      }
      if (fitting > 1 && std::string_view(keyword) == "oneOf")
        complain("has more than one of the allowed forms");
    }
    if (auto* other = find(s, "not"); other && tried(*other, v).empty())
      complain("has a form that is not allowed");
  }

  const json::value* resolve(std::string_view ref) const {
    if (ref == "#") return nullptr;
    if (!ref.starts_with("#/")) return nullptr;
    json::error_code failed;
    auto pointer = ref.substr(1);
    if (!root_value_) root_value_.emplace(root_);
    auto* at = root_value_->find_pointer(json::string_view(pointer.data(), pointer.size()), failed);
    return failed ? nullptr : at;
  }

  const json::object& root_;
  mutable std::optional<json::value> root_value_;  // a copy that can be searched by pointer; only for $ref
  std::size_t most_;
  std::vector<std::string> path_;
  int depth_ = 0;
};

}  // namespace

schema schema::saying(std::string_view description) const {
  return with("description", json::string(json::string_view(description.data(), description.size())));
}

schema schema::with(std::string_view keyword, json::value value) const {
  auto changed = text_;
  changed[json::string_view(keyword.data(), keyword.size())] = std::move(value);
  return schema(std::move(changed));
}

std::string schema_complaint::text() const {
  std::string all;
  for (auto& step : path) all += all.empty() ? step : "." + step;
  return (all.empty() ? "body" : all) + ": " + why;
}

std::vector<schema_complaint> complaints(const schema& s, const json::value& v, std::size_t most) {
  walk w(s.text(), most);
  w.check_root(s.text(), v);
  return std::move(w.found);
}

result<> check_params(const schema& s, const json::object& params) {
  walk w(s.text(), 1);
  w.check_root(s.text(), params);
  if (w.found.empty()) return {};
  return error{errc::invalid_params, w.found.front().text()};
}

namespace shape {

namespace {

json::string word(std::string_view text) { return json::string(json::string_view(text.data(), text.size())); }
schema of_type(std::string_view type) { return schema({{"type", word(type)}}); }

}  // namespace

schema anything() { return schema(json::object()); }
schema boolean() { return of_type("boolean"); }
schema whole() { return of_type("integer"); }
schema whole(std::int64_t least) { return whole().with("minimum", least); }
schema whole(std::int64_t least, std::int64_t most) { return whole(least).with("maximum", most); }
schema text() { return of_type("string"); }

schema text(std::size_t least, std::size_t most) {
  auto s = text();
  if (least > 0) s = s.with("minLength", least);
  return s.with("maxLength", most);
}

schema one_of(std::initializer_list<std::string_view> words) {
  json::array all;
  for (auto w : words) all.push_back(word(w));
  return text().with("enum", std::move(all));
}

schema uuid() { return text().with("format", "uuid"); }

schema hex(std::size_t octets) {
  return text()
      .with("pattern", word("^[0-9a-fA-F]{" + std::to_string(2 * octets) + "}$"))
      .with("x-expected", word(std::to_string(2 * octets) + " hexadecimal digits"));
}

schema money() {
  constexpr std::int64_t most = (std::int64_t{1} << 53) - 1;
  return object({needed("minor", whole(-most, most), "of the smallest unit"),
                 needed("currency", text(3, 3), "ISO 4217")});
}

schema list(schema of) { return of_type("array").with("items", of.text()); }

schema list(schema of, std::size_t least, std::size_t most) {
  return list(std::move(of)).with("minItems", least).with("maxItems", most);
}

schema map(schema of) { return of_type("object").with("additionalProperties", of.text()); }

schema object(std::initializer_list<member> members) {
  json::object properties;
  json::array required;
  for (auto& m : members) {
    properties[m.name] = m.what.text();
    if (m.is_needed) required.push_back(word(m.name));
  }
  auto s = object().with("properties", std::move(properties));
  if (!required.empty()) s = s.with("required", std::move(required));
  return s;
}

schema object() { return of_type("object"); }
schema closed(schema object) { return object.with("additionalProperties", false); }

schema either(std::initializer_list<schema> of) {
  json::array all;
  for (auto& one : of) all.push_back(one.text());
  return schema({{"anyOf", std::move(all)}});
}

member needed(std::string_view name, schema what, std::string_view says) {
  return {std::string(name), what.saying(says), true};
}

member optional(std::string_view name, schema what, std::string_view says) {
  return {std::string(name), what.saying(says), false};
}

}  // namespace shape

}  // namespace tilld::base
