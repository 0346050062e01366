#include "plugin-api/check/schema_defect.hpp"

#include <algorithm>
#include <regex>
#include <string_view>
#include <vector>

#include <boost/json.hpp>

namespace tilld::plugin_check {

namespace json = boost::json;

namespace {

using found = std::optional<std::string>;

constexpr std::string_view types[] = {"object", "array", "string", "boolean", "integer", "number", "null"};
constexpr std::string_view lists_of_schemas[] = {"allOf", "anyOf", "oneOf"};
constexpr std::string_view counts[] = {"minItems",  "maxItems",      "minLength",
                                       "maxLength", "minProperties", "maxProperties"};
constexpr std::string_view bounds[] = {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"};

template <class List>
bool is_one_of(std::string_view word, const List& list) {
  return std::find(std::begin(list), std::end(list), word) != std::end(list);
}

std::string_view text_of(const json::value& value) {
  return {value.get_string().data(), value.get_string().size()};
}

std::string path_text(const std::vector<std::string>& path) {
  std::string text;
  for (const auto& step : path) text += (text.empty() ? "" : ".") + step;
  return text.empty() ? "it" : text;
}

// Walks a schema and looks for what could not be used.
class inspection {
 public:
  explicit inspection(const json::object& root) : root_(root) {}

  found defect(const json::value& schema) {
    if (schema.is_bool()) return {};
    const auto* object = schema.if_object();
    if (!object) return here("is not a schema");
    for (const auto& [word, wanted] : *object) {
      path_.emplace_back(word);
      if (auto wrong = defect_of_word(word, wanted)) return wrong;
      path_.pop_back();
    }
    return {};
  }

 private:
  found here(const std::string& why) const { return path_text(path_) + ": " + why; }

  found defect_of_word(std::string_view word, const json::value& wanted) {
    if (word == "type") {
      if (wanted.is_string()) return is_one_of(text_of(wanted), types) ? found() : here("is not a type");
      const auto* list = wanted.if_array();
      const auto known = [](const json::value& t) { return t.is_string() && is_one_of(text_of(t), types); };
      return list && !list->empty() && std::all_of(list->begin(), list->end(), known) ? found()
                                                                                      : here("is not a type");
    }
    if (word == "enum")
      return wanted.is_array() && !wanted.get_array().empty() ? found() : here("must be a list");
    if (word == "const") return {};
    if (word == "not" || (word == "items" && !wanted.is_array()) || word == "additionalProperties" ||
        word == "propertyNames")
      return defect(wanted);
    if (is_one_of(word, lists_of_schemas) || word == "items") return defect_of_list(wanted);
    if (word == "properties" || word == "definitions") return defect_of_map(wanted);
    if (word == "required") {
      const auto* list = wanted.if_array();
      const auto is_text = [](const json::value& name) { return name.is_string(); };
      return list && std::all_of(list->begin(), list->end(), is_text) ? found()
                                                                      : here("must be a list of names");
    }
    if (is_one_of(word, counts))
      return wanted.is_int64() && wanted.get_int64() >= 0 ? found()
                                                          : here("must be a number of zero or more");
    if (is_one_of(word, bounds)) return wanted.is_number() ? found() : here("must be a number");
    if (word == "pattern") return defect_of_pattern(wanted);
    if (word == "$ref") return defect_of_reference(wanted);
    return {};
  }

  found defect_of_list(const json::value& wanted) {
    const auto* list = wanted.if_array();
    if (!list || list->empty()) return here("must be a list of schemas");
    for (const auto& one : *list)
      if (auto wrong = defect(one)) return wrong;
    return {};
  }

  found defect_of_map(const json::value& wanted) {
    const auto* map = wanted.if_object();
    if (!map) return here("must be an object of schemas");
    for (const auto& [name, one] : *map) {
      path_.emplace_back(name);
      if (auto wrong = defect(one)) return wrong;
      path_.pop_back();
    }
    return {};
  }

  found defect_of_pattern(const json::value& wanted) const {
    if (!wanted.is_string()) return here("must be text");
    try {
      const std::regex fine(wanted.get_string().c_str(), std::regex::ECMAScript);
    } catch (const std::regex_error&) {
      return here("is not a regular expression");
    }
    return {};
  }

  found defect_of_reference(const json::value& wanted) const {
    constexpr std::string_view begin = "#/";
    if (!wanted.is_string() || !text_of(wanted).starts_with(begin)) return here("must begin with #/");
    json::error_code nowhere;
    const json::value whole(root_);
    whole.find_pointer(text_of(wanted).substr(1), nowhere);
    return nowhere ? here("refers to nothing") : found();
  }

  const json::object& root_;
  std::vector<std::string> path_;
};

}  // namespace

std::optional<std::string> schema_defect(const json::object& schema) {
  return inspection(schema).defect(schema);
}

}  // namespace tilld::plugin_check
