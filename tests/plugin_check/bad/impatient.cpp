// Loses a request when the daemon does not answer a question of its own within a third of a second.
#include "tests/plugin_check/bad/device.hpp"

static bool too_late = false;

static void on_message(void* instance, const tilld_message* message) {
  static std::uint64_t asked = 0;
  const auto now = the_host->now(the_host);
  if (message->kind == TILLD_REPLY) too_late = now - asked > 350;
  if (message->kind == TILLD_REQUEST && name_of(message) == "tilld.printer/1.print") asked = now;
  if (message->kind != TILLD_REPLY || !too_late) right().on_message(instance, message);
}

BROKEN_PLUGIN(copy().start = start_and_keep_host; copy().on_message = on_message)
