// Dies when its clock jumps.
#include <cstdlib>

#include "tests/plugin_check/bad/device.hpp"

static void on_message(void* instance, const tilld_message* message) {
  static auto last = the_host->now(the_host);
  const auto now = the_host->now(the_host);
  if (now < last) std::abort();
  last = now;
  right().on_message(instance, message);
}

BROKEN_PLUGIN(copy().start = start_and_keep_host; copy().on_message = on_message)
