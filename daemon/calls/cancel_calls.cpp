// rpc.cancel; a conversation knows it as $/cancelRequest too
#include <boost/json.hpp>

#include "daemon/calls/params.hpp"
#include "daemon/calls/parts.hpp"

namespace tilld::daemon {

using base::errc;
using base::error;
using wire::answer;
using wire::make_error;
using wire::make_result;

namespace {

// Only says whether there was something to cancel. What became of it is the answer of the request itself.
answer cancel(till_parts& till, const call& c) {
  auto refuse = [&](const error& why) { return make_error(why, c.who->language); };
  if (auto operation = text_in(c.params, "operation_id")) {
    auto id = base::uuid::parse(*operation);
    auto* whose = till.keyed.find_running(*id);
    bool may = whose && (whose->principal == c.who->principal || (only(c.who->acts_as) & staff));
    return make_result({{"in_hand", may && till.keyed.cancel(*id)}});
  }
  auto* given = c.params.if_contains("id");
  auto id = given ? wire::request_id_text(*given) : std::nullopt;
  if (!id) return refuse(invalid_member("id", "must be the id of a request; or give operation_id"));
  return make_result({{"in_hand", c.who->cancel && c.who->cancel(*id)}});
}

}  // namespace

void add_cancel_calls(router& methods, till_parts* till) {
  using namespace base::shape;
  methods.add(
      {.name = "rpc.cancel",
       .summary = "Wishes that a request be given up; its own answer says what became of it",
       .allowed = anyone,
       .params = object({optional("id", either({text(0, 128), whole()}), "of a request of this connection"),
                         optional("operation_id", uuid(), "of an operation of this principal")}),
       .result = object({needed("in_hand", boolean(), "false: it was answered before, or never came")})},
      [till](const call& c) { return cancel(*till, c); });
}

}  // namespace tilld::daemon
