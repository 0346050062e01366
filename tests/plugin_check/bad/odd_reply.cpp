// Sends a reply that does not fit its schema.
#include "tests/plugin_check/bad/device.hpp"

static tilld_status send_oddly(const tilld_host*, const tilld_message* message) {
  auto changed = *message;
  if (message->kind == TILLD_REPLY && message->status == TILLD_OK &&
      name_of(message) == "tilld.tender/1.authorize")
    changed.body = {R"({"decision":"perhaps"})", 22};
  return the_host->send(the_host, &changed);
}

BROKEN_PLUGIN(copy().start = [](const tilld_host* host, tilld_bytes config, void** instance) {
  return start_with_send(send_oddly, host, config, instance);
})
