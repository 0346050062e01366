// One line of JSON-RPC, and what is looked up in its octets.
#include <algorithm>
#include <set>
#include <utility>

#include <boost/json.hpp>
#include <boost/json/basic_parser_impl.hpp>

#include "tests/fuzz/target.hpp"
#include "wire/json_rpc.hpp"

namespace tilld::fuzz {
namespace {

namespace json = boost::json;

// Whether any object of a text has a name twice, found the slow and obvious way while parsing.
struct doubled_names {
  static constexpr auto max_array_size = std::size_t(-1), max_object_size = max_array_size,
                        max_string_size = max_array_size, max_key_size = max_array_size;

  bool on_document_begin(json::error_code&) { return true; }
  bool on_document_end(json::error_code&) { return true; }
  bool on_array_begin(json::error_code&) { return true; }
  bool on_array_end(std::size_t, json::error_code&) { return true; }
  bool on_object_begin(json::error_code&) {
    open.emplace_back();
    return true;
  }
  bool on_object_end(std::size_t, json::error_code&) {
    open.pop_back();
    return true;
  }
  bool on_string_part(json::string_view, std::size_t, json::error_code&) { return true; }
  bool on_string(json::string_view, std::size_t, json::error_code&) { return true; }
  bool on_key_part(json::string_view part, std::size_t, json::error_code&) {
    key += std::string_view(part);
    return true;
  }
  bool on_key(json::string_view part, std::size_t, json::error_code&) {
    key += std::string_view(part);
    found |= !open.back().insert(std::exchange(key, {})).second;
    return true;
  }
  bool on_number_part(json::string_view, json::error_code&) { return true; }
  bool on_int64(std::int64_t, json::string_view, json::error_code&) { return true; }
  bool on_uint64(std::uint64_t, json::string_view, json::error_code&) { return true; }
  bool on_double(double, json::string_view, json::error_code&) { return true; }
  bool on_bool(bool, json::error_code&) { return true; }
  bool on_null(json::error_code&) { return true; }
  bool on_comment_part(json::string_view, json::error_code&) { return true; }
  bool on_comment(json::string_view, json::error_code&) { return true; }

  std::vector<std::set<std::string>> open;
  std::string key;
  bool found = false;
};

bool has_doubled_name(std::string_view text) {
  json::basic_parser<doubled_names> in{json::parse_options{}};
  json::error_code failed;
  in.write_some(false, text.data(), text.size(), failed);
  return in.handler().found;
}

// Boost.JSON 1.81 reads some fractions one unit of the last place away from what it wrote.
bool has_fraction(const json::value& v) {
  if (auto* list = v.if_array()) return std::any_of(list->begin(), list->end(), has_fraction);
  if (auto* object = v.if_object())
    return std::any_of(object->begin(), object->end(), [](auto& m) { return has_fraction(m.value()); });
  return v.is_double();
}

void check_request(std::string_view line, const wire::rpc_request& got) {
  demand(!got.method.empty() && got.method.size() <= 128, "a method has 1 to 128 octets");

  // Written again, it is the same request.
  std::string again = R"({"jsonrpc":"2.0",)";
  if (!got.id.empty()) again += R"("id":)" + got.id + ",";
  again += R"("method":)" + json::serialize(got.method) + R"(,"params":)" + json::serialize(got.params) + "}";
  auto second = wire::parse_request(again);
  demand(second.has_value(), "what was read can be written");
  demand(second->id == got.id && second->method == got.method, "what is written is what was read");
  if (!has_fraction(got.params)) demand(second->params == got.params, "params are written as they were read");

  // The raw octets say what the parser says.
  auto raw = wire::raw_params(line);
  json::error_code failed;
  auto parsed = json::parse(raw, failed);
  demand(!failed && parsed == json::value(got.params), "the octets of the params are the params");

  // A name that stands twice is found, whichever of the two looks.
  auto doubled = has_doubled_name(line);
  demand(wire::repeated_member(line).has_value() == doubled, "a repeated name is seen");
  auto whole = json::parse(line);
  demand(wire::repeated_member(line, whole.get_object()).has_value() == doubled,
         "a repeated name is seen by counting too");
}

// Nothing but an object is a request; one that was read can be written and read again, and what is looked up
// in its octets is what the parser found there.
void eat(std::string_view octets) {
  auto got = wire::parse_request(octets);
  if (!got) {
    const auto& refusal = got.error();
    std::string answer;
    wire::append_answer(answer, refusal.id, wire::make_error(refusal.why, base::language::german));
    json::error_code failed;
    auto said = json::parse(answer, failed);
    demand(!failed && said.is_object(), "a refusal is JSON");
    return;
  }
  check_request(octets, *got);
}

const target json_request{"json_request", eat};

}  // namespace
}  // namespace tilld::fuzz
