// Sends an event that does not fit its schema.
#include "tests/plugin_check/bad/device.hpp"

BROKEN_PLUGIN(copy().start = [](const tilld_host* host, tilld_bytes config, void** instance) {
  send(host, TILLD_EVENT, 0, TILLD_OK, "tilld.scanner/1.scanned", R"({"text":12})");
  return right().start(host, config, instance);
})
