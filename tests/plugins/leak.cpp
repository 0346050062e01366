// Takes memory and never gives it back: with operator new, until that is refused or 256 MiB are reached,
// which no machine that runs tests will notice.
#include <cstdio>
#include <cstring>

#include "tests/plugins/plain_plugin.h"

namespace {

void on_message(void*, const tilld_message* message) {
  static char* chain = nullptr;
  constexpr std::size_t step = 1 << 20;
  for (int mib = 0; mib < 256; ++mib) {
    char* more = new char[step];
    std::memset(more, 1, step);
    std::memcpy(more, &chain, sizeof chain);
    chain = more;
  }
  answer(message, TILLD_OK, R"({"mib":256})");
}

}  // namespace

PLAIN_PLUGIN("org.tilld.test.leak", "org.tilld.test.leak/1", "Takes all memory", on_message)
