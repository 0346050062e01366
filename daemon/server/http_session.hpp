// One connection that speaks HTTP/1.1: requests one after the other, each judged by its head
// (http_checks.hpp), each call a conversation of its own with the principal that its token names. An upgrade
// to WebSocket hands the connection over.
//
// Bounds: 8 KiB of head within 5 s, a body of 1 MiB (5 MiB with a blob beside it) within 10 s, an answer
// taken within 20 s, 30 s between two requests, 10,000 requests a connection. Of Beast it has
// only a buffer. [I/O thread]
#pragma once

#include <functional>
#include <memory>
#include <string>

#include <boost/asio/generic/stream_protocol.hpp>

#include "daemon/calls/parts.hpp"
#include "daemon/server/connection.hpp"
#include "daemon/server/connection_memory.hpp"
#include "daemon/server/http_checks.hpp"
#include "daemon/server/token_tries.hpp"

namespace tilld::daemon {

using octet_socket = boost::asio::generic::stream_protocol::socket;

// Takes over a connection that becomes a WebSocket: who it is, the head of its request.
using websocket_taker =
    std::function<void(octet_socket, std::shared_ptr<caller>, const std::string& request_head)>;

struct http_surroundings {
  http_door door;
  token_tries& tries;
  websocket_taker to_websocket;
};

// `already_read` is what came before it was known that this is HTTP.
std::shared_ptr<connection> open_http(octet_socket s, std::shared_ptr<caller> who, till_parts& till,
                                      connection_memory& memory, http_surroundings around,
                                      std::string already_read);

}  // namespace tilld::daemon
