// Runs a check in a process of its own and brings back what it found, whatever becomes of that process.
#pragma once

#include <functional>

#include "plugin-api/check/checks.hpp"
#include "plugin-api/check/finding.hpp"

namespace tilld::plugin_check {

struct judged {
  finding what;
  std::int64_t took_ms = 0;
};

judged judge(const check& which, const subject& what);

// Loads the plugin once and asks it about itself; fills in the part of the subject that comes from hello, and
// whether it starts.
void introduce(subject& what);

}  // namespace tilld::plugin_check
