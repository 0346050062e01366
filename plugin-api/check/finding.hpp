// What a check says in the end.
#pragma once

#include <string>

#include <boost/json/object.hpp>

namespace tilld::plugin_check {

enum class verdict { passed, failed, skipped };

struct finding {
  verdict what = verdict::passed;
  std::string note;  // passed: what was seen, may be empty. skipped: the reason
  // failed: what was sent or done, what came, and how to mend it.
  std::string sent, came, mend;
};

// Leaves a check at once with this finding; caught by judge.cpp and nowhere else.
struct verdict_reached {
  finding what;
};

[[noreturn]] inline void fail(std::string sent, std::string came, std::string mend) {
  throw verdict_reached{{verdict::failed, {}, std::move(sent), std::move(came), std::move(mend)}};
}
[[noreturn]] inline void skip(std::string reason) {
  throw verdict_reached{{verdict::skipped, std::move(reason), {}, {}, {}}};
}

boost::json::object to_json(const finding& it);
finding finding_from(const boost::json::object& from);

}  // namespace tilld::plugin_check
