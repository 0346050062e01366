// Looks for its settings in the environment.
#include <cstdlib>

#include "tests/plugin_check/bad/device.hpp"

BROKEN_PLUGIN(copy().start = [](const tilld_host* host, tilld_bytes config, void** instance) {
  if (std::getenv("SCANNER_PORT")) return tilld_status(TILLD_E_CONFIG);
  return right().start(host, config, instance);
})
