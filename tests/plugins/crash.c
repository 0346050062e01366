/* Dies as a read of address 0 does, when it is asked for anything. */
#include <signal.h>

#include "plain_plugin.h"

static void on_message(void* instance, const tilld_message* message) {
  (void)instance;
  (void)message;
  raise(SIGSEGV);
}

PLAIN_PLUGIN("org.tilld.test.crash", "org.tilld.test.crash/1", "Crashes", on_message)
