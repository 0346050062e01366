// Takes a signal for itself.
#include <signal.h>

#include "tests/plugin_check/bad/device.hpp"

BROKEN_PLUGIN(copy().start = [](const tilld_host* host, tilld_bytes config, void** instance) {
  ::signal(SIGUSR1, [](int) {});
  return right().start(host, config, instance);
})
