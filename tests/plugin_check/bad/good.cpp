// Breaks no rule.
#include "tests/plugin_check/bad/device.hpp"

BROKEN_PLUGIN()
