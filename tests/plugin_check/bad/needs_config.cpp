// Dies of an empty configuration.
#include <cstdlib>

#include "tests/plugin_check/bad/device.hpp"

BROKEN_PLUGIN(copy().start = [](const tilld_host* host, tilld_bytes config, void** instance) {
  if (config.size <= 2) std::abort();
  return right().start(host, config, instance);
})
