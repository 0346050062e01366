// Check 20: 4 to 14 again, an octet at a time in both directions, and a daemon that takes its time to answer.
#pragma once

#include <set>

#include "plugin-api/check/judge.hpp"

namespace tilld::plugin_check {

// Leaves out the numbers that have failed at full speed: a second finding would say nothing new.
judged judge_with_slow_host(subject what, const std::set<int>& failed_already);

}  // namespace tilld::plugin_check
