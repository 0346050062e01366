// Describes itself differently each time.
#include "tests/plugin_check/bad/device.hpp"

extern "C" const tilld_plugin* tilld_plugin_v1(void) {
  static int times = 0;
  static tilld_plugin other = right();
  other.version = "2.0.0";
  return ++times % 2 ? &right() : &other;
}
