// Reads nested lists by recursion without an end: dies where they are deep.
#include <cstdlib>
#include <string>

#include "tests/plugin_check/bad/device.hpp"

static void on_message(void* instance, const tilld_message* message) {
  if (body_of(message).find(std::string(60, '[')) != std::string_view::npos) std::abort();
  right().on_message(instance, message);
}

BROKEN_PLUGIN(copy().on_message = on_message)
