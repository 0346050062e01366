// One connection that speaks WebSocket (RFC 6455): each text message is one JSON-RPC object, either way. What
// is said is the same conversation as on lines, events included.
//
// Over TCP the first message is session.hello with a token, within five seconds, and has at most 64 KiB.
// Further messages have at most 1 MiB. A client that does not answer pings for a minute is closed. [I/O
// thread]
#pragma once

#include <memory>
#include <string>

#include "daemon/calls/parts.hpp"
#include "daemon/server/connection.hpp"
#include "daemon/server/connection_memory.hpp"
#include "daemon/server/http_session.hpp"

namespace tilld::daemon {

// `request_head` is the upgrade, judged and found good, and not answered yet.
std::shared_ptr<connection> open_websocket(octet_socket s, std::shared_ptr<caller> who, till_parts& till,
                                           connection_memory& memory, const std::string& request_head);

}  // namespace tilld::daemon
