#include "daemon/server/conversation.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/json.hpp>

#include "base/as_result.hpp"
#include "base/log.hpp"
#include "base/step.hpp"
#include "wire/base64.hpp"

namespace tilld::daemon {

namespace asio = boost::asio;
using base::errc;
using wire::make_error;
using connection_fate = chaos::call_fate::connection;

namespace {

// Events wait for their turn behind this much unread output, and behind four times as much nothing is read
// any more.
constexpr std::size_t unread_events_max = 256 * 1024;
constexpr std::size_t unread_answers_max = 1 << 20;
// What a request takes while it is read, measured in lines: its text, the values read from it, what the
// plugin gets. How little of it is kept afterwards the call itself says (loan::shrink_to).
constexpr std::size_t lines_a_call_holds = 8, large_line = 16 * 1024, blobs_a_call_holds = 4;

// Both wishes of a call in flight, made at once.
struct call_wishes {
  base::cancellation cancel, gone;
};

}  // namespace

conversation::conversation(std::shared_ptr<caller> who, till_parts& till, connection_memory& memory,
                           outlet& out)
    : who_(std::move(who)), till_(till), memory_(memory), out_(&out), signed_on_(!who_->principal.empty()) {}

conversation::~conversation() { leave(); }

void conversation::listen_to_events() {
  who_->notify = [weak = weak_from_this()](std::string_view method, std::string_view params) {
    auto still = weak.lock();
    return !still || still->tell(method, params);
  };
  who_->cancel = [weak = weak_from_this()](std::string_view id) {
    auto still = weak.lock();
    return still && still->cancel(id);
  };
}

void conversation::leave() {
  if (!out_) return;
  out_ = nullptr;
  who_->notify = nullptr;
  who_->cancel = nullptr;
  heard_all();
  for (auto id : who_->subscriptions) till_.events.unsubscribe(id);
  who_->subscriptions.clear();
  // Whom the wish calls may answer at once, and then the place is gone.
  std::vector<call_in_flight> left;
  for (auto& [id, one] : in_flight_) left.push_back(one);
  for (auto& one : left) {
    one.gone->want();
    if (!one.has_key) one.cancel->want();
  }
}

void conversation::heard_all() {
  who_->here = false;
  till_.claims.hang_up(who_->connection);
}

void conversation::sent() {
  if (!behind_ || !out_ || out_->unsent() > unread_events_max / 2) return;
  behind_ = false;
  auto all = who_->subscriptions;
  for (auto id : all) till_.events.resume(id);
}

bool conversation::cancel(std::string_view id) {
  // Whom the wish calls may answer at once, and then the place is gone.
  std::vector<std::shared_ptr<base::cancellation>> meant;
  auto [from, to] = in_flight_.equal_range(id);
  for (auto at = from; at != to; ++at) meant.push_back(at->second.cancel);
  for (auto& one : meant) one->want();
  return !meant.empty();
}

bool conversation::may_take() const {
  return in_flight_.size() < requests_in_flight_max && (!out_ || out_->unsent() <= unread_answers_max);
}

void conversation::answer_to(std::string_view id, const wire::answer& a) {
  if (!out_) return;
  auto& message = out_->begin_message();
  wire::append_answer(message, id, a);
  // Whoever sees an answer sees that it comes from a till that plays tricks.
  if (till_.on_purpose) message.replace(message.size() - 1, 1, R"(,"chaos":true})");
  out_->end_message();
}

// Not from inside of a call that the connection itself makes.
void conversation::hang_up_on_purpose() {
  if (!out_) return;
  auto close = [self = shared_from_this(), kept = out_->keep()] {
    if (self->out_) self->out_->close();
  };
  asio::post(till_.executor, std::move(close));
}

void conversation::refuse(const base::error& why) { answer_to("null", make_error(why, who_->language)); }

void conversation::take(std::string_view text, std::string_view blob) {
  base::reach(base::step::request_read);
  auto request = wire::parse_request(text);
  if (!request) {
    // Once a connection: the log is for people, and a client can send nonsense faster than they read.
    if (!said_nonsense_)
      base::log(base::log_level::warning, "A client sends what is no request", request.error().why,
                {{"connection", who_->connection}, {"principal", who_->principal}, {"client", who_->client}});
    said_nonsense_ = true;
    answer_to(request.error().id, make_error(request.error().why, who_->language));
    // Before sign-on a line that is no request may be a browser's; it gets one answer and no second try.
    if (!signed_on_) wants_end_ = true;
    return;
  }
  // As the language server protocol calls it.
  if (request->method == "$/cancelRequest") request->method = "rpc.cancel";
  auto found = till_.methods.find(request->method, signed_on_ ? who_->acts_as : role::read);
  if (!signed_on_ && (!found || !(*found)->before_hello)) {
    answer_to(request->id.empty() ? "null" : request->id,
              make_error({errc::hello_required, "the first message must be session.hello with a token"},
                         who_->language));
    wants_end_ = true;
    return;
  }
  // Without an id nobody would learn what became of it, so nothing is done.
  if (request->id.empty()) {
    if (request->method == "session.bye") wants_end_ = true;
    // What is taken back answers for itself.
    if (request->method == "rpc.cancel")
      if (auto* id = request->params.if_contains("id"))
        if (auto meant = wire::request_id_text(*id)) cancel(*meant);
    return;
  }
  if (!found) {
    answer_to(request->id, make_error(found.error(), who_->language));
    return;
  }
  auto* m = *found;
  auto fate = till_.on_purpose ? till_.on_purpose->next_call(request->method) : chaos::call_fate{};
  if (fate.what == connection_fate::closes_before) {
    hang_up_on_purpose();
    return;
  }
  if (!blob.empty()) {
    if (m->quick || m->keeps_raw_params || request->params.contains("blob")) {
      answer_to(request->id,
                make_error({errc::invalid_params, request->params.contains("blob")
                                                      ? "blob: came as a member and beside the request"
                                                      : "blob: " + request->method + " takes none"},
                           who_->language));
      return;
    }
    request->params["blob"] = wire::to_base64(blob);
  }
  call c{who_, std::move(request->method), std::move(request->params), {}};
  if (m->quick) {
    auto answer = m->quick(c);
    if (fate.what == connection_fate::closes_after) {
      hang_up_on_purpose();
      return;
    }
    answer_to(request->id, answer);
    if (c.method == "session.hello") {
      signed_on_ = !who_->principal.empty();
      if (!signed_on_) wants_end_ = true;
    }
    if (c.method == "session.bye") wants_end_ = true;
    return;
  }
  // Only large requests count: 32 small ones in hand are not what fills a memory, and are never refused for
  // others' sake.
  auto octets =
      (text.size() > large_line ? lines_a_call_holds * text.size() : 0) + blobs_a_call_holds * blob.size();
  if (octets > 0) {
    auto what =
        c.method == "sale.record" ? connection_memory::purpose::sale : connection_memory::purpose::other;
    // The operation may outlive its answer (wait_ms); what it holds counts until then.
    c.lent = memory_.borrow(who_->principal, octets, what);
    if (!c.lent) {
      answer_to(request->id,
                make_error({errc::busy, "too many large requests are being worked on"}, who_->language));
      return;
    }
  }
  if (m->keeps_raw_params) c.raw_params = std::string(wire::raw_params(text));
  auto wishes = std::make_shared<call_wishes>();
  c.cancel = std::shared_ptr<base::cancellation>(wishes, &wishes->cancel);
  c.gone = std::shared_ptr<base::cancellation>(wishes, &wishes->gone);
  auto place =
      in_flight_.emplace(std::move(request->id),
                         call_in_flight{c.method, c.cancel, c.gone, c.params.contains("idempotency_key")});
  asio::co_spawn(till_.executor, serve(out_->keep(), place, std::move(c), m->slow, fate), asio::detached);
}

asio::awaitable<void> conversation::serve([[maybe_unused]] std::shared_ptr<void> kept,
                                          calls_in_flight::iterator place, call c, slow_call run,
                                          chaos::call_fate fate) {
  auto self = shared_from_this();
  auto language = c.who->language;
  wire::answer answer;
  try {
    if (fate.delay.count() > 0) {
      asio::steady_timer late(till_.executor, fate.delay);
      co_await late.async_wait(base::as_result);
    }
    answer = co_await run(std::move(c));
  } catch (const std::exception& bug) {
    base::log(base::log_level::error, "A call ended with an exception", {{"what", bug.what()}});
    answer = make_error({errc::internal, ""}, language);
  }
  auto id = std::move(in_flight_.extract(place).key());
  if (!out_) co_return;
  if (fate.what == connection_fate::closes_after) {
    hang_up_on_purpose();
    co_return;
  }
  answer_to(id, answer);
  out_->flush();
  base::reach(base::step::answered);
  if (out_) out_->call_ended();
}

bool conversation::tell(std::string_view method, std::string_view params) {
  if (!out_) return true;
  if (out_->unsent() > unread_events_max) {
    behind_ = true;
    return false;
  }
  wire::append_notification(out_->begin_message(), method, params);
  out_->end_message();
  out_->flush();
  return true;
}

}  // namespace tilld::daemon
