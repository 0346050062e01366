/* Takes every request and answers none, not even when it is cancelled. */
#include "plain_plugin.h"

static void on_message(void* instance, const tilld_message* message) {
  (void)instance;
  (void)message;
}

PLAIN_PLUGIN("org.tilld.test.silent", "org.tilld.test.silent/1", "Says nothing", on_message)
