// The schema that a plugin brings, and values against it.
#include <boost/json.hpp>

#include "base/schema.hpp"
#include "plugin-api/check/schema_defect.hpp"
#include "tests/fuzz/target.hpp"

namespace tilld::fuzz {
namespace {

namespace json = boost::json;

// The schema stands before the first line end, the value behind it. Whatever a stranger's schema says,
// looking at a value ends, in a bounded number of complaints, each with words; asked for one, it is the first
// of all.
void eat(std::string_view octets) {
  auto end = octets.find('\n');
  if (end == octets.npos) return;
  json::error_code failed;
  json::parse_options strict;
  strict.max_depth = 32;
  auto text = json::parse(octets.substr(0, end), failed, {}, strict);
  if (failed || !text.is_object()) return;
  auto defect = plugin_check::schema_defect(text.get_object());
  demand(!defect || !defect->empty(), "a defect has words");
  auto value = json::parse(octets.substr(end + 1), failed, {}, strict);
  if (failed) return;
  base::schema s(text.get_object());
  auto all = base::complaints(s, value, 10);
  demand(all.size() <= 10, "complaints are bounded");
  for (auto& c : all) demand(!c.why.empty() && !c.text().empty(), "a complaint has words");
  auto first = base::complaints(s, value, 1);
  demand(first.size() == (all.empty() ? 0 : 1), "one complaint is asked for");
  if (!first.empty()) demand(first[0].text() == all[0].text(), "the first complaint is the first");
}

const target json_schema{"json_schema", eat};

}  // namespace
}  // namespace tilld::fuzz
