// Goes to another folder.
#include <unistd.h>

#include "tests/plugin_check/bad/device.hpp"

BROKEN_PLUGIN(copy().start = [](const tilld_host* host, tilld_bytes config, void** instance) {
  return ::chdir("/usr") == 0 ? right().start(host, config, instance) : tilld_status(TILLD_E_INTERNAL);
})
