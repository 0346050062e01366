// Does not answer a request with a large blob.
#include "tests/plugin_check/bad/device.hpp"

static void on_message(void* instance, const tilld_message* message) {
  if (message->blob.size <= 2 * 1024 * 1024) right().on_message(instance, message);
}

BROKEN_PLUGIN(copy().on_message = on_message)
