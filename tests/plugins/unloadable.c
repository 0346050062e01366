/* Plugins that must not be loaded; the build says with a macro which fault this one has. */
#include "plain_plugin.h"

static void on_message(void* instance, const tilld_message* message) {
  (void)instance;
  (void)message;
}

#ifdef WITHOUT_ENTRY
#define tilld_plugin_v1 tilld_plugin_v2
const tilld_plugin* tilld_plugin_v1(void);
#endif
#ifdef WITH_SECOND_SYMBOL
__attribute__((visibility("default"))) int second_symbol(void);
int second_symbol(void) { return 1; }
#endif
#ifdef WITH_OTHER_ABI
#undef TILLD_ABI
#define TILLD_ABI 2
#endif
#ifndef ID
#define ID "org.tilld.test.unloadable"
#endif

PLAIN_PLUGIN(ID, "org.tilld.test.unloadable/1", "Must not be loaded", on_message)
