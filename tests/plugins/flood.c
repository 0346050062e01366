/* Emits events without end, as fast as it can, until the instance is stopped. A queue that says busy does not
 * impress it. */
#include "plain_plugin.h"

static void on_message(void* instance, const tilld_message* message) {
  static char body[1024];
  (void)instance;
  answer(message, TILLD_OK, "{}");
  memset(body, ' ', sizeof body);
  body[0] = '{';
  body[sizeof body - 1] = '}';
  while (emit("org.tilld.test.flood/1.drop", body, sizeof body) != TILLD_E_CANCELLED) continue;
}

PLAIN_PLUGIN("org.tilld.test.flood", "org.tilld.test.flood/1", "Floods", on_message)
