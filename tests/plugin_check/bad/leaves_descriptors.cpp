// Opens a descriptor in start() and closes none in stop().
#include <fcntl.h>

#include "tests/plugin_check/bad/device.hpp"

BROKEN_PLUGIN(copy().start = [](const tilld_host* host, tilld_bytes config, void** instance) {
  return ::open("/dev/null", O_RDONLY | O_CLOEXEC) < 0 ? TILLD_E_INTERNAL
                                                       : right().start(host, config, instance);
})
