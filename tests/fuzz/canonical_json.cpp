// JSON in one spelling: two requests are the same request when their canonical octets are.
#include "base/canonical_json.hpp"

#include <algorithm>

#include <boost/json.hpp>

#include "base/json_text.hpp"
#include "base/strict_json.hpp"
#include "tests/fuzz/target.hpp"

namespace tilld::fuzz {
namespace {

namespace json = boost::json;

// The members of every object the other way round.
json::value turned(const json::value& v) {
  if (auto* list = v.if_array()) {
    json::array out;
    for (auto& element : *list) out.push_back(turned(element));
    return out;
  }
  auto* object = v.if_object();
  if (!object) return v;
  json::object out;
  for (auto member = object->end(); member != object->begin();) {
    --member;
    out[member->key()] = turned(member->value());
  }
  return out;
}

// Boost.JSON 1.81 reads some fractions one unit of the last place away from what it wrote.
bool has_fraction(const json::value& v) {
  if (auto* list = v.if_array()) return std::any_of(list->begin(), list->end(), has_fraction);
  if (auto* object = v.if_object())
    return std::any_of(object->begin(), object->end(), [](auto& m) { return has_fraction(m.value()); });
  return v.is_double();
}

// At the top, or at the top of an element of a list.
bool has_member(const json::value& v, std::string_view name) {
  if (auto* list = v.if_array()) {
    for (auto& element : *list)
      if (has_member(element, name)) return true;
    return false;
  }
  auto* object = v.if_object();
  return object && object->contains(json::string_view(name.data(), name.size()));
}

// The spelling does not depend on the order of members, is JSON with the same meaning, and is its own
// spelling. A member that is to be removed is gone.
void eat(std::string_view octets) {
  json::error_code failed;
  json::parse_options strict;
  strict.max_depth = 32;
  auto value = base::parse_json(octets, failed, {}, strict);
  if (failed) return;
  auto one = base::canonical_json(value);
  demand(one == base::canonical_json(turned(value)), "order says nothing");
  auto again = json::parse(one, failed, {}, strict);
  demand(!failed, "one spelling is JSON");
  if (has_fraction(value)) return;
  demand(base::canonical_json(again) == one, "one spelling stays");
  auto shown = json::parse(base::indented(value), failed, {}, strict);
  demand(!failed && base::canonical_json(shown) == one, "what is shown to people means the same");

  static constexpr std::string_view paths[] = {"pin", "card.track"};
  base::remove_members(value, paths);
  demand(!has_member(value, "pin"), "what is removed is gone");
}

const target canonical_json{"canonical_json", eat};

}  // namespace
}  // namespace tilld::fuzz
