// Does nothing at cancel.
#include "tests/plugin_check/bad/device.hpp"

BROKEN_PLUGIN(copy().cancel = nullptr)
