// Starts a thread in start() and joins none in stop().
#include <unistd.h>

#include <thread>

#include "tests/plugin_check/bad/device.hpp"

BROKEN_PLUGIN(copy().start = [](const tilld_host* host, tilld_bytes config, void** instance) {
  std::thread([] { ::pause(); }).detach();
  return right().start(host, config, instance);
})
