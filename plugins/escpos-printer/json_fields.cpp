#include "plugins/escpos-printer/json_fields.hpp"

namespace json = boost::json;

namespace tilld::escpos {

void complaint::raise(std::string_view path, std::string_view sentence) {
  if (first) return;
  std::string detail(path);
  if (!detail.empty()) detail += ": ";
  detail += sentence;
  first = error{errc::invalid_params, std::move(detail)};
}

std::string fields::path_of(std::string_view name) const {
  if (path_.empty() || name.empty()) return path_ + std::string(name);
  return path_ + "." + std::string(name);
}

bool fields::flag(std::string_view name, bool otherwise) const {
  auto* it = find(name);
  if (!it) return otherwise;
  if (it->is_bool()) return it->get_bool();
  complain(name, "must be true or false");
  return otherwise;
}

int fields::whole(std::string_view name, int min, int max, int otherwise) const {
  auto* it = find(name);
  if (!it) return otherwise;
  // A parser gives small numbers as int64; 2.0 is a double and is refused, for sizes are counted and not
  // measured.
  if (it->is_int64() && it->get_int64() >= min && it->get_int64() <= max) return int(it->get_int64());
  complain(name, "must be a whole number from " + std::to_string(min) + " to " + std::to_string(max));
  return otherwise;
}

std::string fields::required_text(std::string_view name, std::size_t min, std::size_t max) const {
  if (!has(name)) complain(name, "is missing");
  return text(name, min, max, "");
}

std::string fields::text(std::string_view name, std::size_t min, std::size_t max,
                         std::string_view otherwise) const {
  auto* it = find(name);
  if (!it) return std::string(otherwise);
  if (!it->is_string()) {
    complain(name, "must be a text");
    return std::string(otherwise);
  }
  std::string_view value = it->get_string();
  if (value.size() < min) complain(name, "must not be empty");
  if (value.size() > max) complain(name, "must have at most " + std::to_string(max) + " bytes");
  return std::string(value);
}

const json::object* fields::object_at(std::string_view name) const {
  auto* it = find(name);
  if (it && !it->is_object()) complain(name, "must be an object");
  return it ? it->if_object() : nullptr;
}

const json::array* fields::array_at(std::string_view name) const {
  auto* it = find(name);
  if (it && !it->is_array()) complain(name, "must be an array");
  return it ? it->if_array() : nullptr;
}

}  // namespace tilld::escpos
