// Refuses members that it does not know where none is worth money.
#include "tests/plugin_check/bad/device.hpp"

static void on_message(void* instance, const tilld_message* message) {
  if (name_of(message) == "tilld.display/1.show" && body_of(message).find("\"x_") != std::string_view::npos)
    return answer(message, TILLD_E_INVALID, R"({"detail":"I do not know this member"})");
  right().on_message(instance, message);
}

BROKEN_PLUGIN(copy().start = start_and_keep_host; copy().on_message = on_message)
