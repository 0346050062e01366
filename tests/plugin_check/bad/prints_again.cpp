// Takes each request to print for a new one: looks at another operation_id than the one that came.
#include <string>

#include "tests/plugin_check/bad/device.hpp"

static void on_message(void* instance, const tilld_message* message) {
  static int jobs = 100'000;
  std::string body(body_of(message));
  const std::string member = R"("operation_id":")";
  const auto at = body.find(member);
  if (at != body.npos && body.size() > at + member.size() + 37 && name_of(message) == "tilld.printer/1.print")
    body.replace(at + member.size() + 30, 6, std::to_string(++jobs));
  auto changed = *message;
  changed.body = {body.data(), body.size()};
  right().on_message(instance, &changed);
}

BROKEN_PLUGIN(copy().on_message = on_message)
