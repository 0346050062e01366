// Answers a request that is answered already when it is cancelled.
#include <mutex>
#include <set>

#include "tests/plugin_check/bad/device.hpp"

static std::mutex guard;
static std::set<std::uint64_t> waiting;

static void on_message(void* instance, const tilld_message* message) {
  {
    const std::lock_guard hold(guard);
    if (name_of(message) == "tilld.reader/1.await") waiting.insert(message->id);
  }
  right().on_message(instance, message);
}

static void cancel(void* instance, std::uint64_t id) {
  right().cancel(instance, id);
  const std::lock_guard hold(guard);
  if (waiting.erase(id) == 0 && id < 1'000'000)
    send(the_host, TILLD_REPLY, id, TILLD_E_CANCELLED, "tilld.reader/1.await", R"({"detail":"cancelled"})");
}

BROKEN_PLUGIN(copy().start = start_and_keep_host; copy().on_message = on_message; copy().cancel = cancel)
