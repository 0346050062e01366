// Takes memory in start() and frees none in stop().
#include <cstdlib>
#include <cstring>

#include "tests/plugin_check/bad/device.hpp"

static void* volatile kept;

BROKEN_PLUGIN(copy().start = [](const tilld_host* host, tilld_bytes config, void** instance) {
  constexpr std::size_t size = 100 * 1024;
  kept = std::malloc(size);
  if (kept) std::memset(kept, 1, size);
  return right().start(host, config, instance);
})
