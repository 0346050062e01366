/* Answers twice, and then a question that nobody asked. */
#include "plain_plugin.h"

static void on_message(void* instance, const tilld_message* message) {
  tilld_message other = *message;
  (void)instance;
  answer(message, TILLD_OK, "{\"answer\":1}");
  answer(message, TILLD_OK, "{\"answer\":2}");
  other.id += 1000000;
  answer(&other, TILLD_OK, "{\"answer\":3}");
}

PLAIN_PLUGIN("org.tilld.test.twice", "org.tilld.test.twice/1", "Answers twice", on_message)
