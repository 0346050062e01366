// Dies of a right request.
#include <cstdlib>

#include "tests/plugin_check/bad/device.hpp"

static void on_message(void* instance, const tilld_message* message) {
  if (body_of(message) == R"({"lines":["tilld-plugin-check"]})") std::abort();
  right().on_message(instance, message);
}

BROKEN_PLUGIN(copy().on_message = on_message)
