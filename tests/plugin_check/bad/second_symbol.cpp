// Exports a second symbol. It is linked without the version script.
#include "tests/plugin_check/bad/device.hpp"

extern "C" __attribute__((visibility("default"))) int a_second_symbol() { return 2; }

BROKEN_PLUGIN()
