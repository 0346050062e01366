// What the daemon and the process of a plugin say to each other about the plugin itself. The names belong to
// the host program and never reach the plugin (but for `failed`, which a plugin may send).
//
// The life of an instance, seen from the daemon:
//
//   host   -> daemon  event    hello       the file is loaded, here is what it says of itself. Or, instead:
//                     event    failed      it could not be loaded; the process ends with an exit code of
//                                          daemon/plugin_host/exit_code.hpp
//   daemon -> host    request  start       {"instance": "front-printer", "config": {...}}. The reply is the
//   plugin's
//                                          status; other than OK it has {"detail"} and the process ends
//   daemon -> host    request  tilld.printer/1.print ... and the replies and events of the plugin, in any
//   order host   -> daemon  event    failed      status and {"detail", "kind"?}: the instance cannot go on.
//   The host stops it
//                                          and ends. A reply with status NO_DEVICE has the same effect
//   daemon -> host    request  stop        {}. The reply comes when the plugin has let go; then the process
//   ends with 0
//
// At any time:
//
//   daemon -> host    event    cancel      {"id": 7}: the daemon does not want the answer to its request 7
//   any more.
//                                          A request that still waits in the host is answered CANCELLED and
//                                          never seen by the plugin; one in hand is answered by the plugin,
//                                          soon
//   daemon -> host    request  ping        {}, answered in turn by the plugin's thread. No answer means that
//   it hangs daemon -> host    request  busy_since  {}, answered at once by the host's own thread:
//                                          {"in_call": "tilld.printer/1.print" or null, "since_ms": 1200,
//                                           "waiting": 3, "unsent_bytes": 0}
//   host   -> daemon  event    log         {"level": 3..7, "text": "..."}; at most 2,048 octets of text
//
// The statuses of the host itself: BUSY where more than plugin_waiting_max messages wait for the plugin's
// thread, CANCELLED where a request waited there past its deadline. Both mean that the plugin never saw it.
#pragma once

#include <cstddef>
#include <string_view>

namespace tilld::wire::plugin_instance {

inline constexpr std::string_view prefix = "tilld.instance/1.";

inline constexpr std::string_view hello = "tilld.instance/1.hello";
inline constexpr std::string_view failed = "tilld.instance/1.failed";
inline constexpr std::string_view log = "tilld.instance/1.log";

inline constexpr std::string_view start = "tilld.instance/1.start";
inline constexpr std::string_view stop = "tilld.instance/1.stop";
inline constexpr std::string_view cancel = "tilld.instance/1.cancel";
inline constexpr std::string_view ping = "tilld.instance/1.ping";
inline constexpr std::string_view busy_since = "tilld.instance/1.busy_since";

// The body of hello:
//   {"abi": 1, "abi_minor": 0, "id": "org.tilld.simulated", "version": "1.0.0", "summary": "...",
//    "provides": ["tilld.scanner/1"], "uses": ["tilld.state/1"], "config_schema": {...},
//    "sandbox": {"landlock_abi": 7, "paths_restricted": true, "note": ""}}
// landlock_abi is 0 where the kernel has no Landlock; note then says so in a sentence.

inline constexpr std::size_t plugin_waiting_max =
    256;  // messages that wait in the host for the plugin's thread
inline constexpr std::size_t log_text_size_max = 2048;

}  // namespace tilld::wire::plugin_instance
