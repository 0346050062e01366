#include "plugins/escpos-printer/tests/schema_check.hpp"

#include <glib.h>

#include <algorithm>
#include <stdexcept>

namespace json = boost::json;

namespace tilld::escpos::test {
namespace {

bool has_type(std::string_view type, const json::value& value) {
  if (type == "object") return value.is_object();
  if (type == "array") return value.is_array();
  if (type == "string") return value.is_string();
  if (type == "boolean") return value.is_bool();
  if (type == "integer") return value.is_int64() || value.is_uint64();
  throw std::invalid_argument("type " + std::string(type));
}

}  // namespace

bool schema_check::accepts(std::string_view definition, const json::value& value) const {
  return fits(root_.at("definitions").at(definition).as_object(), value);
}

bool schema_check::fits(const json::object& schema, const json::value& value) const {
  return std::all_of(schema.begin(), schema.end(),
                     [&](auto& it) { return fits_keyword(it.key(), it.value(), schema, value); });
}

bool schema_check::fits_keyword(std::string_view word, const json::value& wanted, const json::object&,
                                const json::value& value) const {
  auto fits_one = [&](const json::value& s) { return fits(s.as_object(), value); };
  auto number = [](const json::value& v) { return v.to_number<std::int64_t>(); };
  if (word == "$schema" || word == "title" || word == "description" || word == "definitions" ||
      word.starts_with("content"))
    return true;
  if (word == "type") return has_type(wanted.as_string(), value);
  if (word == "const") return value == wanted;
  if (word == "enum") return std::count(wanted.as_array().begin(), wanted.as_array().end(), value) > 0;
  if (word == "not") return !fits_one(wanted);
  if (word == "allOf") return std::all_of(wanted.as_array().begin(), wanted.as_array().end(), fits_one);
  if (word == "anyOf") return std::any_of(wanted.as_array().begin(), wanted.as_array().end(), fits_one);
  if (word == "oneOf")
    return std::count_if(wanted.as_array().begin(), wanted.as_array().end(), fits_one) == 1;
  if (word == "$ref") {
    std::string_view name = wanted.as_string();
    return accepts(name.substr(std::string_view("#/definitions/").size()), value);
  }
  if (word == "required") {
    auto* object = value.if_object();
    return !object || std::all_of(wanted.as_array().begin(), wanted.as_array().end(),
                                  [&](auto& name) { return object->contains(name.as_string()); });
  }
  if (word == "properties") {
    auto* object = value.if_object();
    return !object || std::all_of(wanted.as_object().begin(), wanted.as_object().end(), [&](auto& it) {
      auto* member = object->if_contains(it.key());
      return !member || fits(it.value().as_object(), *member);
    });
  }
  if (word == "items") {
    auto* array = value.if_array();
    return !array ||
           std::all_of(array->begin(), array->end(), [&](auto& it) { return fits(wanted.as_object(), it); });
  }
  if (word == "minItems")
    return !value.is_array() || std::int64_t(value.get_array().size()) >= number(wanted);
  if (word == "maxItems")
    return !value.is_array() || std::int64_t(value.get_array().size()) <= number(wanted);
  if (word == "minLength")
    return !value.is_string() || std::int64_t(value.get_string().size()) >= number(wanted);
  if (word == "maxLength")
    return !value.is_string() || std::int64_t(value.get_string().size()) <= number(wanted);
  if (word == "minimum") return !value.is_int64() || value.get_int64() >= number(wanted);
  if (word == "maximum") return !value.is_int64() || value.get_int64() <= number(wanted);
  if (word == "pattern") {
    return !value.is_string() || g_regex_match_simple(wanted.as_string().c_str(), value.get_string().c_str(),
                                                      GRegexCompileFlags(0), GRegexMatchFlags(0));
  }
  throw std::invalid_argument("keyword " + std::string(word));
}

}  // namespace tilld::escpos::test
