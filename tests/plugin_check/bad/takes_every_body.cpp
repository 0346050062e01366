// Takes a text where a list is due.
#include "tests/plugin_check/bad/device.hpp"

static void on_message(void* instance, const tilld_message* message) {
  if (body_of(message).find(R"("lines":"text")") != std::string_view::npos)
    return answer(message, TILLD_OK, "{}");
  right().on_message(instance, message);
}

BROKEN_PLUGIN(copy().start = start_and_keep_host; copy().on_message = on_message)
