// What a request over HTTP must be before it reaches a call, decided from its head alone. A web page can make
// a browser send requests to this machine, so the order is: is it meant for this host (421), can it be asked
// that way (404, 405), does the page behind it belong here (403), is it small enough and not one try too many
// (411, 413, 429), who is it (401), is it JSON (415). docs/protocol.md has the table for till makers.
//
// No I/O and no state: head and settings in, verdict out.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "wire/http_head.hpp"

namespace tilld::daemon {

// A call with a blob beside it: the JSON text, LF, the octets of the blob.
inline constexpr std::string_view blob_content_type = "application/vnd.tilld.request";
inline constexpr std::string_view websocket_protocol = "tilld.v1";

// The door through which the request came.
struct http_door {
  // The kernel says who it is (Unix socket). A browser cannot come this way, so a request with an origin is
  // one that something passes on for a page, and is refused; Host means nothing here, and no token is asked
  // for.
  bool vouched = false;
  std::vector<std::string> hosts;    // that this port is reached by, "127.0.0.1:7701"
  std::vector<std::string> origins;  // that are allowed
};

enum class token_state { good, wrong, wrong_too_often };
using token_check = std::function<token_state(std::string_view token, const std::string& origin)>;

struct http_verdict {
  enum class goes { refused, preflight, call, websocket, health } where = goes::refused;
  int status = 0;      // when refused
  base::error why;     // when refused
  std::string origin;  // of the page, once it is known to be allowed; empty for programs
  std::string token;   // with `call` through a door that nobody vouches for
  std::size_t body_octets_max = 0;
  bool has_blob = false;
  std::string_view allow;  // with 405
};

http_verdict judge(const wire::http_head& head, const http_door& door, const token_check& token);

}  // namespace tilld::daemon
