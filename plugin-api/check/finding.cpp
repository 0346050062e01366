#include "plugin-api/check/finding.hpp"

#include <boost/json.hpp>

namespace tilld::plugin_check {

namespace {

constexpr const char* names[] = {"passed", "failed", "skipped"};

std::string text_of(const boost::json::object& from, const char* member) {
  const auto* value = from.if_contains(member);
  return value && value->is_string() ? std::string(value->get_string()) : std::string();
}

}  // namespace

boost::json::object to_json(const finding& it) {
  boost::json::object out{{"result", names[static_cast<int>(it.what)]}};
  const auto add = [&out](const char* member, const std::string& text) {
    if (!text.empty()) out[member] = text;
  };
  add(it.what == verdict::skipped ? "reason" : "note", it.note);
  add("sent", it.sent);
  add("came", it.came);
  add("mend", it.mend);
  return out;
}

finding finding_from(const boost::json::object& from) {
  finding it;
  const auto result = text_of(from, "result");
  it.what = result == names[0] ? verdict::passed : result == names[2] ? verdict::skipped : verdict::failed;
  it.note = text_of(from, it.what == verdict::skipped ? "reason" : "note");
  it.sent = text_of(from, "sent");
  it.came = text_of(from, "came");
  it.mend = text_of(from, "mend");
  return it;
}

}  // namespace tilld::plugin_check
