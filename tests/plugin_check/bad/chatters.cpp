// Prints on standard output.
#include <cstdio>

#include "tests/plugin_check/bad/device.hpp"

BROKEN_PLUGIN(copy().stop = [](void* instance) {
  std::puts("good bye");
  right().stop(instance);
})
