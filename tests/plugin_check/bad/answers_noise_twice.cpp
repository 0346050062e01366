// Answers a long text twice.
#include "tests/plugin_check/bad/device.hpp"

static void on_message(void* instance, const tilld_message* message) {
  if (message->body.size > 10'000) answer(message, TILLD_E_INVALID, R"({"detail":"too long for me"})");
  right().on_message(instance, message);
}

BROKEN_PLUGIN(copy().start = start_and_keep_host; copy().on_message = on_message)
