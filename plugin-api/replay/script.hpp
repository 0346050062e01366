// A recorded conversation with a device and the messages that a plugin must make of it, as lines of text. The
// format stands in docs/plugin-guide.md ("Recorded scripts"). No I/O here.
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json.hpp>

namespace tilld::replay {

enum class verb {
  device,    // makes a pseudo-terminal
  start,     // start() must succeed
  refused,   // start() must fail with `status`
  says,      // the device says `octets`
  hears,     // the plugin must have written `octets` to the device
  ask,       // a request `name` with `body`
  reply,     // the answer to the oldest unanswered ask must be `status`, `body`
  cancel,    // the till takes back the oldest unanswered ask
  event,     // the plugin must say `name` with `body`
  question,  // the plugin must ask the daemon `name` with `body`
  answer,    // the daemon answers the oldest open question with `status`, `body`
  wait,      // the clock moves on by `ms`
  nothing,   // nothing was said that no line above expects
  unplug,    // the device is gone
  gone       // the plugin must give up with `status`
};

struct step {
  int line = 0;
  verb what{};
  std::int32_t status = 0;
  std::uint32_t ms = 0;
  std::string name;
  std::string octets;     // of says and hears
  std::string body;       // JSON text; $DEVICE stands in it as written
  bool any_body = false;  // nothing stands there: any will do
  std::string blob;       // behind the body, in quotes
};

// What is wrong, with the line; for people.
struct wrong_script : std::runtime_error {
  using std::runtime_error::runtime_error;
};

std::vector<step> read_script(std::string_view text);

// "4006\r" with the escapes \r \n \t \0 \\ \" \xHH.
std::string unescape(std::string_view text);
// The other way round, for messages.
std::string escape(std::string_view octets);

}  // namespace tilld::replay
