// Ignores members that it does not know where value moves.
#include "tests/plugin_check/bad/device.hpp"

static void on_message(void* instance, const tilld_message* message) {
  if (name_of(message) == "tilld.tender/1.authorize" &&
      body_of(message).find("\"x_tilld") != std::string_view::npos)
    return answer(message, TILLD_OK, R"({"decision":"approved"})");
  right().on_message(instance, message);
}

BROKEN_PLUGIN(copy().start = start_and_keep_host; copy().on_message = on_message)
