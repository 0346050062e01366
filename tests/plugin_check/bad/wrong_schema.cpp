// Its config_schema is none.
#include "tests/plugin_check/bad/device.hpp"

BROKEN_PLUGIN(copy().config_schema = R"({"type":"object","properties":{"port":"string"}})")
