#include "base/strict_json.hpp"

#include <algorithm>
#include <cmath>

#include <boost/json.hpp>

namespace tilld::base {
namespace {

bool has_infinity(const boost::json::value& in) {
  if (auto* object = in.if_object())
    return std::any_of(object->begin(), object->end(), [](auto& m) { return has_infinity(m.value()); });
  if (auto* list = in.if_array()) return std::any_of(list->begin(), list->end(), has_infinity);
  return in.is_double() && std::isinf(in.get_double());
}

}  // namespace

boost::json::value parse_json(std::string_view text, boost::system::error_code& failed,
                              boost::json::storage_ptr memory, const boost::json::parse_options& options) {
  auto value =
      boost::json::parse(boost::json::string_view(text.data(), text.size()), failed, memory, options);
  if (failed || !has_infinity(value)) return value;
  failed = boost::json::make_error_code(boost::json::error::exponent_overflow);
  return nullptr;
}

}  // namespace tilld::base
