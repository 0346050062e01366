// device.claim, device.keep, device.retain, device.release, device.next
#include <boost/json.hpp>

#include "daemon/calls/params.hpp"
#include "daemon/calls/parts.hpp"

namespace tilld::daemon {

namespace asio = boost::asio;
using base::errc;
using base::error;
using base::result;
using wire::answer;
using wire::make_error;
using wire::make_result;

namespace {

constexpr std::int64_t time_limit_ms_min = 1000, time_limit_ms_max = 10 * 60 * 1000;
constexpr std::size_t reason_size_max = 200;

claimant who_asks(const call& c) { return {c.who->principal, c.who->client, c.who->connection}; }

boost::json::object describe(const till_parts& till, const claim_view& view) {
  auto now = till.clock.monotonic_ms();
  return {{"claim", view.claim},
          {"device", view.device},
          {"time_limit_ms", view.time_limit_ms},
          {"ends_in_ms", view.ends_at_ms > now ? view.ends_at_ms - now : 0},
          {"one_at_a_time", view.one_at_a_time},
          {"inputs_held", view.inputs_held},
          {"waiting", view.waiting}};
}

answer claim_answer(const till_parts& till, const call& c, const result<claim_view>& view) {
  return view ? make_result(describe(till, *view)) : make_error(view.error(), c.who->language);
}

bool flag_in(const boost::json::object& params, std::string_view name) {
  auto* given = params.if_contains(boost::json::string_view(name.data(), name.size()));
  return given && given->is_bool() && given->get_bool();
}

claim_terms read_terms(const boost::json::object& params) {
  claim_terms terms;
  if (auto limit = integer_in(params, "time_limit_ms"))
    terms.time_limit_ms = static_cast<std::uint64_t>(*limit);
  terms.wait_ms = static_cast<std::uint64_t>(integer_in(params, "wait_ms").value_or(0));
  terms.one_at_a_time = flag_in(params, "one_at_a_time");
  return terms;
}

// Whoever has it now, and who takes it and why: on the disk before it is taken.
asio::awaitable<result<>> trace(till_parts& till, const call& c, const claim_view& former,
                                const std::string& reason) {
  boost::json::object body{
      {"device", former.device},           {"principal", c.who->principal},         {"client", c.who->client},
      {"former", former.holder.principal}, {"former_client", former.holder.client}, {"reason", reason}};
  journal_entry entry{"device.taken", boost::json::serialize(body), std::nullopt};
  store::work work = [entry](rows& in) -> result<> {
    auto appended = in.append(entry);
    if (!appended) return appended.error();
    return {};
  };
  co_return co_await till.journal.run(work_kind::books, std::move(work));
}

asio::awaitable<answer> claim(till_parts& till, call c) {
  auto language = c.who->language;
  auto terms = read_terms(c.params);
  auto id = text_in(c.params, "claim"), device = text_in(c.params, "device");
  auto reason = text_in(c.params, "reason");
  auto who = who_asks(c);
  if (id) co_return claim_answer(till, c, till.claims.take_up(*id, who, terms));
  if (!device) co_return make_error(invalid_member("device", "is missing; or give claim"), language);
  if (!till.plugins.find(*device)) {
    error why{errc::no_device, "there is no device " + *device};
    co_return make_error(why, language);
  }
  bool by_force = flag_in(c.params, "force");
  c.drop_params();
  if (!by_force) {
    auto view = co_await till.claims.claim(*device, who, terms, claim_desk::manner::wait, c.cancel);
    co_return claim_answer(till, c, view);
  }
  if (!(only(c.who->acts_as) & staff)) {
    error why{errc::forbidden, "the role " + std::string(name(c.who->acts_as)) + " may not force"};
    co_return make_error(why, language);
  }
  if (!reason)
    co_return make_error(invalid_member("reason", "is missing: who takes by force says why"), language);
  auto former = till.claims.book().find(*device);
  if (former && former->holder.connection != who.connection) {
    auto traced = co_await trace(till, c, *former, *reason);
    if (!traced) co_return make_error(traced.error(), language);
    // Who hung up while that was written was told so before it had anything, and would keep it unused until
    // its time limit.
    if (!c.who->here) {
      error why{errc::cancelled, "the connection is gone; " + *device + " was not taken"};
      co_return make_error(why, language);
    }
    // Meanwhile it may have gone to somebody else, of whom the record says nothing.
    auto present = till.claims.book().find(*device);
    if (present && present->claim != former->claim) {
      error why{errc::claimed, *device + " went to " + present->holder.principal + " at this moment"};
      co_return make_error(why, language);
    }
  }
  auto view = co_await till.claims.claim(*device, who, terms, claim_desk::manner::force, c.cancel);
  co_return claim_answer(till, c, view);
}

std::string claim_in(const call& c) { return *text_in(c.params, "claim"); }

answer keep(till_parts& till, const call& c) {
  return claim_answer(till, c, till.claims.keep(claim_in(c), who_asks(c)));
}

answer retain(till_parts& till, const call& c) {
  return claim_answer(till, c, till.claims.retain(claim_in(c), who_asks(c)));
}

answer release(till_parts& till, const call& c) {
  auto done = till.claims.release(claim_in(c), who_asks(c));
  return done ? make_result({}) : make_error(done.error(), c.who->language);
}

answer next(till_parts& till, const call& c) {
  auto next = till.claims.next(claim_in(c), who_asks(c));
  return next ? make_result({{"inputs_held", next->waiting}, {"dropped", next->dropped}})
              : make_error(next.error(), c.who->language);
}

base::schema shape_of_claim() {
  using namespace base::shape;
  return object({needed("claim", uuid(), "its id, for the other calls of the holder"),
                 needed("device", text(), "that is claimed"),
                 needed("time_limit_ms", whole(1), "how long it lasts without device.keep"),
                 needed("ends_in_ms", whole(0), "unless it is renewed"),
                 needed("one_at_a_time", boolean(), "input waits for device.next"),
                 needed("inputs_held", whole(0), "so many"),
                 needed("waiting", whole(0), "how many stand in line")});
}

}  // namespace

void pass_events_through_claims(till_parts& till) {
  till.plugins.on_event = [&till](std::string topic, std::string source, std::string data) {
    till.states.said(topic, source, data, till.clock.unix_ms());
    till.claims.publish(std::move(topic), std::move(source), std::move(data));
  };
}

void add_claim_calls(router& methods, till_parts* till) {
  using namespace base::shape;
  methods.add(
      {.name = "device.claim",
       .summary = "Makes this connection the holder of a device, for a time; or takes a claim up again",
       .allowed = checkouts,
       .params =
           object({optional("device", text(1, 32), "which; or claim"),
                   optional("claim", text(1, 36), "to be taken up by its principal from this connection"),
                   optional("time_limit_ms", whole(time_limit_ms_min, time_limit_ms_max),
                            "how long it lasts without being renewed; 60000 when left out"),
                   optional("wait_ms", whole(0, wait_ms_max), "how long to stand in line; 0 when left out"),
                   optional("one_at_a_time", boolean(), "each input is told after device.next only"),
                   optional("force", boolean(), "takes it from its holder; for the roles operator and admin"),
                   optional("reason", text(1, reason_size_max), "why by force; it stands in the journal")}),
       .result = shape_of_claim(),
       .errors = {errc::claimed, errc::claim_ended, errc::no_device, errc::cancelled, errc::storage_full,
                  errc::storage_failed}},
      [till](call c) { return claim(*till, std::move(c)); });
  auto by_holder = [&](const char* name, const char* summary, base::schema gives,
                       answer (*run)(till_parts&, const call&)) {
    methods.add({.name = name,
                 .summary = summary,
                 .allowed = checkouts,
                 .params = object({needed("claim", text(1, 36), "its id, as device.claim answered")}),
                 .result = std::move(gives),
                 .errors = {errc::claim_ended}},
                [till, run](const call& c) { return run(*till, c); });
  };
  by_holder("device.keep", "Renews a claim for another time limit", shape_of_claim(), keep);
  by_holder("device.retain", "Answers device.release_requested: the holder still needs the device",
            shape_of_claim(), retain);
  by_holder("device.release", "Gives a claimed device back; the next in line has it", object({}), release);
  by_holder("device.next", "Asks for the next input of a device that was claimed with one_at_a_time",
            object({needed("inputs_held", whole(0), "that wait behind it"),
                    needed("dropped", whole(0), "that did not fit since the last device.next")}),
            next);
}

}  // namespace tilld::daemon
