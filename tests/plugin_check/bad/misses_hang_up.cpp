// Does not notice that its device is gone.
#include "tests/plugin_check/bad/device.hpp"

BROKEN_PLUGIN(copy().start = start_and_keep_host;
              copy().on_fd = [](void*, int fd, std::int16_t) { the_host->watch(the_host, fd, 0); })
