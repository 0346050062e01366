// Lets an exception out of a callback, which the ABI forbids.
#include "tests/plugins/plain_plugin.h"

namespace {

void on_message(void*, const tilld_message*) { throw 42; }

}  // namespace

PLAIN_PLUGIN("org.tilld.test.throw-raw", "org.tilld.test.throw-raw/1", "Throws over the border", on_message)
