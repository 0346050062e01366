// Looks for its device while it is loaded.
#include <poll.h>

#include "tests/plugin_check/bad/device.hpp"

static const int looked = ::poll(nullptr, 0, 300);

BROKEN_PLUGIN(copy().version = looked == 0 ? "1.0.0" : "1.0.1")
