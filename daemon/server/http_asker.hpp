// For whom a request over HTTP asks: each names its own token, language and client.
#pragma once

#include <memory>

#include "daemon/calls/parts.hpp"
#include "daemon/server/http_checks.hpp"

namespace tilld::daemon {

// `who` is the connection's. The role is that of the token which the verdict found good in the same turn, or,
// through a door that vouches, that of `who`.
std::shared_ptr<caller> asker_of(const wire::http_head& head, const http_verdict& verdict, const caller& who,
                                 bool vouched, till_parts& till);

// For IT staff who wonder why a page does not get through; each origin once, so that a page cannot fill the
// log.
void log_strange_page(const wire::http_head& head);

}  // namespace tilld::daemon
