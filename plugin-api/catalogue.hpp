// The table of everything that the tilld.* interfaces can say, made from the SDK headers: what the daemon
// must know of a message without knowing its type, and a check whether a body fits.
//
// Interfaces of others ("com.example.scale/1") are not in it; their messages pass unchecked. All functions
// are pure and may be called from any thread; what they return lives for ever.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include <boost/json.hpp>

namespace tilld::catalogue {

// Paths of members, as tilld/vocabulary.hpp explains them: dots between names, lists passed through, a path
// marks everything below it, "blob" is the blob.
using paths = std::span<const std::string_view>;

// Which members of a message must not be seen by whom.
struct marks {
  paths secret;    // take out before hash, log, trace, recording and store
  paths personal;  // never log; store sealed only
  paths bearer;    // of replies: worth money to whoever reads it; a stored answer is sealed
};

using check_function = std::optional<std::string> (*)(const boost::json::object&);

// One request.
struct word {
  std::string_view interface;  // "tilld.printer/1"
  std::string_view full_name;  // "tilld.printer/1.print"
  std::string_view method;     // "printer.print", as tills call it
  std::string_view summary;    // what it does, without a full stop
  bool service;                // offered by the daemon to plugins; tills cannot call it
  bool changes_state;  // doing it twice could do harm; the body carries operation_id, except in a service
  bool moves_value;    // unknown members are refused
  std::string_view
      outcome;  // full name of the word that tells what became of an operation; empty without one
  std::uint32_t deadline_ms_default;
  marks request;
  marks reply;
  check_function check_request;
  check_function check_reply;
};

// One event of a plugin.
struct topic {
  std::string_view interface;  // "tilld.scanner/1"
  std::string_view full_name;  // "tilld.scanner/1.scanned"
  std::string_view name;       // "scanner.scanned", as tills subscribe to it
  marks body;
  check_function check;
};

struct interface_entry {
  std::string_view name;  // "tilld.scanner/1"
  bool service;
};

std::span<const interface_entry> interfaces();
std::span<const word> words();
std::span<const topic> topics();

// By full name; nullptr when there is no such word or topic.
const word* find_word(std::string_view full_name);
const topic* find_topic(std::string_view full_name);
// By the name that tills use.
const word* find_method(std::string_view method);

// The name that tills use for any full name: "tilld.printer/1.print" is "printer.print", and
// "com.example.scale/1.weigh" is "com.example.scale.weigh". Empty when it is not a full name.
std::string till_name(std::string_view full_name);

// Whether a text is "<dotted name>/<revision>", as a plugin's provides and uses must be.
bool is_interface_name(std::string_view text);

// What is wrong with the body of a request, of a reply or of an event: a sentence that begins with the path
// of the member. Nothing where it fits, and nothing for names that are not in the catalogue.
std::optional<std::string> check(std::string_view full_name, const boost::json::object& body);
std::optional<std::string> check_reply(std::string_view full_name, const boost::json::object& body);

// Removes the members at these paths. Returns whether there were any.
bool remove_members(boost::json::object& from, paths which);

// The JSON Schema of one interface, as it lies in plugin-api/schema; empty for an unknown name.
std::optional<boost::json::object> schema(std::string_view interface);

}  // namespace tilld::catalogue
