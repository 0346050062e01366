#include "plugin-api/check/slow_host.hpp"

namespace tilld::plugin_check {

judged judge_with_slow_host(subject what, const std::set<int>& failed_already) {
  what.slow = true;
  judged all;
  std::string passed, left_out;
  for (const auto& which : all_checks()) {
    if (which.number < 4 || which.number > 14) continue;
    const auto number = std::to_string(which.number);
    if (failed_already.contains(which.number)) {
      left_out += (left_out.empty() ? "" : ", ") + number;
      continue;
    }
    const auto one = judge(which, what);
    all.took_ms += one.took_ms;
    if (one.what.what == verdict::passed) passed += (passed.empty() ? "" : ", ") + number;
    if (one.what.what != verdict::failed) continue;
    all.what = one.what;
    all.what.sent = "check " + number + " with a slow host: " + one.what.sent;
    return all;
  }
  if (passed.empty()) {
    all.what = {verdict::skipped, "none of 4 to 14 passes at full speed", {}, {}, {}};
    return all;
  }
  all.what.note = passed + (left_out.empty() ? "" : "; not repeated: " + left_out);
  return all;
}

}  // namespace tilld::plugin_check
