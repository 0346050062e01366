// Provides an interface that begins with tilld. and that tilld does not have.
#include "tests/plugin_check/bad/device.hpp"

BROKEN_PLUGIN(static const char* const names[] = {"tilld.toaster/1", nullptr}; copy().provides = names)
