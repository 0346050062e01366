// Sets a timer on a thread of its own.
#include <thread>

#include "tests/plugin_check/bad/device.hpp"

BROKEN_PLUGIN(copy().start = [](const tilld_host* host, tilld_bytes config, void** instance) {
  std::thread([host] { host->timer(host, 7, 1000); }).join();
  return right().start(host, config, instance);
})
