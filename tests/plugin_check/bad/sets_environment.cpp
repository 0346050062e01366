// Sets an environment variable.
#include <cstdlib>

#include "tests/plugin_check/bad/device.hpp"

BROKEN_PLUGIN(copy().start = [](const tilld_host* host, tilld_bytes config, void** instance) {
  ::setenv("SCANNER_READY", "yes", 1);
  return right().start(host, config, instance);
})
