/* Never comes back when it is asked for anything. */
#include <unistd.h>

#include "plain_plugin.h"

static void on_message(void* instance, const tilld_message* message) {
  (void)instance;
  (void)message;
  for (;;) pause();
}

PLAIN_PLUGIN("org.tilld.test.hang", "org.tilld.test.hang/1", "Hangs", on_message)
