// Asks the daemon a question that does not fit its schema.
#include "tests/plugin_check/bad/device.hpp"

BROKEN_PLUGIN(copy().start = [](const tilld_host* host, tilld_bytes config, void** instance) {
  send(host, TILLD_REQUEST, 1'000'000, TILLD_OK, "tilld.state/1.get", R"({"key":12})");
  return right().start(host, config, instance);
})
