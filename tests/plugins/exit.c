/* Ends the process as if all were well. */
#include <stdlib.h>

#include "plain_plugin.h"

static void on_message(void* instance, const tilld_message* message) {
  (void)instance;
  (void)message;
  exit(0);
}

PLAIN_PLUGIN("org.tilld.test.exit", "org.tilld.test.exit/1", "Calls exit", on_message)
