// The dispatch table of a till.
#include "daemon/calls/parts.hpp"

namespace tilld::daemon {

void add_calls(router& methods, till_parts* till) {
  add_discover_calls(methods, till);
  add_session_calls(methods, till);
  add_system_calls(methods, till);
  add_event_calls(methods, till);
  add_sale_calls(methods, till);
  add_operation_calls(methods, till);
  add_journal_calls(methods, till);
  add_prove_calls(methods, till);
  add_plugin_calls(methods, till);
  add_token_calls(methods, till);
  add_claim_calls(methods, till);
  add_cancel_calls(methods, till);
}

std::vector<method> whole_table() {
  router r;
  add_calls(r, nullptr);
  r.add_rest(nullptr, [] { return methods_of_words([](std::string_view) { return true; }); });
  return r.methods();
}

}  // namespace tilld::daemon
