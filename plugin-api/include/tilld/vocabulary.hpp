// What the types of an interface are made of. A message is a described struct with a few constants:
//
//   struct enable {
//     static constexpr const char* name = "tilld.scanner/1.enable";
//     static constexpr const char* summary = "Lets a scanner emit what it scans, or not";
//     static constexpr bool changes_state = false;
//     static constexpr std::uint32_t deadline_ms_default = 2000;
//     using reply = tilld::nothing;
//     bool on = true;
//   };
//   BOOST_DESCRIBE_STRUCT(enable, (), (on))
//
// name                 written here once and nowhere else
// summary              of a request: one line without a full stop, for docs/methods.md and rpc.discover
// changes_state        true where doing it twice could do harm (paper, drawer, money). Such a request carries
//                      operation_id, a UUIDv7 in text that the daemon fills in; the same id again is the same
//                      operation and gets the first outcome
// moves_value          true where money or stored value moves; unknown members are refused then, because a
// member
//                      that one side does not understand could be an amount
// deadline_ms_default  how long the daemon waits when the caller does not say
// reply                the type of the answer
// secret_members       what somebody could spend or sign on with: PIN, token, track, bearer code. Taken out
// before anything
//                      is hashed, logged, traced, recorded or stored
// personal_members     what says who somebody is: name, phone, address, card number. Never logged; stored
// sealed only bearer_members       in a reply: a code that is worth money to whoever reads it. A stored
// answer is sealed
//
// The lists name members by path, "customer.name"; lists are passed through ("lines.name" is the name in each
// line) and a path marks everything below it. "blob" is the blob. A list that is not there is empty.
//
// Types of members: bool, integers, std::string, described enums and structs, tilld::money, std::vector,
// std::map with string keys, boost::json::object and value where the content is free, and std::optional of
// each. Members that are not optional must be present. An interface that is published grows by optional
// members only; nothing is renamed, and a new meaning is a new member. An enum travels as the name of the
// enumerator; one trailing underscore is not part of a name (signed_ is "signed"). An enum that may grow has
// an enumerator `unknown`, and that is what a reader makes of a name it does not know.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <boost/describe.hpp>

namespace tilld {

// The answer that says only that it was done.
struct nothing {};
BOOST_DESCRIBE_STRUCT(nothing, (), ())

// Raw bytes beside the JSON, at most 4 MiB. A message type that has them has a member `tilld::blob blob;`,
// which is not described.
struct blob {
  std::string bytes;
  bool empty() const { return bytes.empty(); }
};

template <class T>
concept carries_blob = requires(T& t) {
  { t.blob.bytes } -> std::convertible_to<std::string>;
};

// What became of an operation, as far as the device or server behind the plugin can tell. Asked after a crash
// or a time-out, when nobody knows whether the printer printed or the card was charged.
enum class operation_state {
  unknown,   // it cannot be told; a person has to look
  not_done,  // certainly not done, and the request as it was sent will not act any more
  running,   // still at it
  done
};
BOOST_DESCRIBE_ENUM(operation_state, unknown, not_done, running, done)

}  // namespace tilld
