/* Talks to standard output and reads standard input, as libraries like to do. */
#include <stdio.h>

#include "plain_plugin.h"

static void on_message(void* instance, const tilld_message* message) {
  int heard = getchar();
  (void)instance;
  printf("{\"jsonrpc\":\"2.0\",\"result\":\"chatter\"}\n");
  fflush(stdout);
  answer(message, TILLD_OK, heard == EOF ? "{\"heard\":\"nothing\"}" : "{\"heard\":\"something\"}");
}

PLAIN_PLUGIN("org.tilld.test.chatter", "org.tilld.test.chatter/1", "Talks to standard output", on_message)
