// Answers words that it does not know with OK.
#include "tests/plugin_check/bad/device.hpp"

static void on_message(void* instance, const tilld_message* message) {
  if (name_of(message).ends_with("no_such_word")) return answer(message, TILLD_OK, "{}");
  right().on_message(instance, message);
}

BROKEN_PLUGIN(copy().start = start_and_keep_host; copy().on_message = on_message)
