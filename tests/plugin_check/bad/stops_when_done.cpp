// Waits in stop() for what is pending.
#include <poll.h>

#include <atomic>

#include "tests/plugin_check/bad/device.hpp"

static std::atomic<bool> pending = false;

static void on_message(void* instance, const tilld_message* message) {
  if (name_of(message) == "tilld.reader/1.await" && body_of(message) == "{}") pending = true;
  right().on_message(instance, message);
}

static void cancel(void* instance, std::uint64_t id) {
  pending = false;
  right().cancel(instance, id);
}

static void stop(void* instance) {
  if (pending) ::poll(nullptr, 0, 6000);
  right().stop(instance);
}

BROKEN_PLUGIN(copy().on_message = on_message; copy().cancel = cancel; copy().stop = stop)
