// The text of an answer over HTTP, with the fields that keep web pages which do not belong here from reading,
// framing or storing it.
#pragma once

#include <string>
#include <string_view>

#include "daemon/server/http_checks.hpp"

namespace tilld::daemon {

struct http_reply {
  int status = 200;
  std::string body;  // JSON; empty for none
  bool close = false;
};

// `head` and `v` as far as they are known: of a request that could not be read there is neither.
std::string reply_text(const http_reply& reply, const wire::http_head* head, const http_verdict& v);

// A refusal as the JSON-RPC error that it would be elsewhere, id null.
std::string refusal_body(const base::error& why, base::language l);

}  // namespace tilld::daemon
