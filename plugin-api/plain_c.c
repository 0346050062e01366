/* Both headers for C, compiled as strict C11: see plugin-api/CMakeLists.txt. */
#include <tilld/json.h>
#include <tilld/plugin.h>

_Static_assert(sizeof(tilld_message) == 64, "the layout is the same in C");
_Static_assert(sizeof(tilld_plugin) == 104, "the layout is the same in C");
