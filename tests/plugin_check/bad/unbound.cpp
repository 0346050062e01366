// Needs a function that no library has.
#include "tests/plugin_check/bad/device.hpp"

extern "C" int tilld_test_nobody_defines_this();

BROKEN_PLUGIN(copy().stop = [](void* instance) {
  if (tilld_test_nobody_defines_this()) right().stop(instance);
})
