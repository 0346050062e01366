// The dispatch table as an OpenRPC 1.3 document: what rpc.discover answers, and what tilld --openrpc prints.
//
// Beside what OpenRPC knows, a method has
//   x-roles             the roles that may call it
//   x-idempotency-key   "always" or "may_be"; absent where there is none
//   x-before-hello      true where it answers on TCP before anybody signed on
//   x-unknown-members   "refused" where a member that is not named is an error; ignored elsewhere
//   x-secret, x-personal, x-bearer   paths of members that nobody may keep; of results under x-result
// and the document has x-topics, the events that can be subscribed to, and x-open-interfaces: interfaces that
// plugins provide without a schema; their words are called as INTERFACE.WORD. [pure]
#pragma once

#include <string>
#include <vector>

#include "daemon/router/router.hpp"

namespace tilld::daemon {

boost::json::object openrpc_document(const std::vector<method>& methods,
                                     const std::vector<std::string>& open_interfaces);

}  // namespace tilld::daemon
