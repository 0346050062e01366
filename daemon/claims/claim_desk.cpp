#include "daemon/claims/claim_desk.hpp"

#include <boost/json.hpp>

#include "base/as_result.hpp"
#include "base/id.hpp"

namespace tilld::daemon {

namespace asio = boost::asio;
using base::errc;
using base::error;
using base::result;

namespace {

bool tells_a_state(std::string_view topic) { return topic.ends_with("_changed"); }

}  // namespace

claim_desk::claim_desk(asio::any_io_executor executor, const base::clock& clock, event_hub& events)
    : executor_(executor),
      clock_(clock),
      events_(events),
      // Of its own for each claim and each run of the daemon: an old one never fits a new claim.
      book_([&clock] { return base::uuid::v7(clock.unix_ms()).text(); }),
      timer_(executor) {}

asio::awaitable<result<claim_view>> claim_desk::claim(std::string device, claimant who, claim_terms terms,
                                                      manner how,
                                                      std::shared_ptr<base::cancellation> cancel) {
  auto now = clock_.monotonic_ms();
  auto ticket =
      how == manner::force ? book_.take(device, who, terms, now) : book_.claim(device, who, terms, now);
  auto mine = std::make_shared<waiting_call>(waiting_call{
      asio::steady_timer(executor_, std::chrono::steady_clock::time_point::max()), who.connection, {}});
  waiting_[ticket] = mine;
  carry_out_steps();
  auto leave_the_line = [this, ticket, mine] {
    if (!book_.withdraw(ticket)) return;
    mine->answer = error{errc::cancelled, "cancelled while it waited in line"};
    mine->answered.cancel();
    carry_out_steps();
  };
  if (cancel && cancel->wanted()) leave_the_line();
  base::cancellation::stage in_line(cancel.get(), leave_the_line);
  while (!mine->answer) co_await mine->answered.async_wait(base::as_result);
  waiting_.erase(ticket);
  co_return view_of(*mine->answer);
}

result<claim_view> claim_desk::take_up(const std::string& claim, const claimant& who,
                                       const claim_terms& terms) {
  auto ticket = book_.take_up(claim, who, terms, clock_.monotonic_ms());
  auto mine = std::make_shared<waiting_call>(waiting_call{asio::steady_timer(executor_), who.connection, {}});
  waiting_[ticket] = mine;
  carry_out_steps();
  waiting_.erase(ticket);
  return view_of(*mine->answer);
}

result<claim_view> claim_desk::keep(const std::string& claim, const claimant& who) {
  if (auto done = book_.keep(claim, who, clock_.monotonic_ms()); !done) return done.error();
  carry_out_steps();
  return view_of(claim);
}

result<claim_view> claim_desk::retain(const std::string& claim, const claimant& who) {
  if (auto done = book_.retain(claim, who, clock_.monotonic_ms()); !done) return done.error();
  carry_out_steps();
  return view_of(claim);
}

result<> claim_desk::release(const std::string& claim, const claimant& who) {
  auto done = book_.release(claim, who, clock_.monotonic_ms());
  carry_out_steps();
  return done;
}

result<claim_book::next_input> claim_desk::next(const std::string& claim, const claimant& who) {
  auto done = book_.next(claim, who);
  carry_out_steps();
  return done;
}

void claim_desk::hang_up(std::uint64_t connection) {
  book_.hang_up(connection);
  // Nobody hears their answers; what waits for them must end all the same.
  for (auto& [ticket, one] : waiting_)
    if (one->connection == connection && !one->answer) {
      one->answer = error{errc::cancelled, "the connection that waited is gone"};
      one->answered.cancel();
    }
  carry_out_steps();
}

void claim_desk::publish(std::string topic, std::string device, std::string data) {
  if (!tells_a_state(topic)) {
    device_input input{topic, data};
    if (book_.input(device, std::move(input))) return carry_out_steps();
  }
  events_.publish(std::move(topic), std::move(device), std::move(data));
}

void claim_desk::tell_holder(std::string topic, std::string claim, std::uint64_t connection,
                             boost::json::object data) {
  event e;
  e.topic = std::move(topic);
  e.source = "tilld";
  e.data = boost::json::serialize(data);
  e.claim = std::move(claim);
  e.connection = connection;
  events_.publish(std::move(e));
}

void claim_desk::carry_out_steps() {
  for (auto steps = book_.take_steps(); !steps.empty(); steps = book_.take_steps())
    for (auto& step : steps) {
      auto answer = [this](std::uint64_t ticket, result<std::string> with) {
        auto at = waiting_.find(ticket);
        if (at == waiting_.end()) return;
        at->second->answer = std::move(with);
        at->second->answered.cancel();
      };
      if (auto* s = std::get_if<claim_step::granted>(&step)) {
        answer(s->ticket, s->claim);
      } else if (auto* r = std::get_if<claim_step::refused>(&step)) {
        answer(r->ticket, r->why);
      } else if (auto* q = std::get_if<claim_step::release_requested>(&step)) {
        tell_holder("device.release_requested", q->claim, q->connection,
                    {{"claim", q->claim},
                     {"device", q->device},
                     {"by", q->by},
                     {"answer_within_ms", q->answer_within_ms}});
      } else if (auto* l = std::get_if<claim_step::lost>(&step)) {
        boost::json::object data{{"claim", l->claim}, {"device", l->device}, {"why", l->why}};
        if (!l->by.empty()) data["by"] = l->by;
        tell_holder("device.claim_lost", l->claim, l->connection, std::move(data));
      } else if (auto* d = std::get_if<claim_step::deliver>(&step)) {
        event e;
        e.topic = std::move(d->input.topic);
        e.source = d->device;
        e.data = std::move(d->input.data);
        e.claim = d->claim;
        e.connection = d->connection;
        events_.publish(std::move(e));
      } else if (auto* x = std::get_if<claim_step::input_dropped>(&step)) {
        tell_holder("device.input_dropped", x->claim, x->connection,
                    {{"claim", x->claim}, {"device", x->device}});
      } else if (auto* c = std::get_if<claim_step::changed>(&step)) {
        boost::json::object data{{"device", c->device}, {"claim", describe(c->device)}};
        events_.publish("claims.changed", "tilld", boost::json::serialize(data));
        acts_.holder_is(c->device, book_.find(c->device));
      }
    }
  set_timer();
}

void claim_desk::set_timer() {
  auto at = book_.next_tick();
  if (!at) {
    timer_.cancel();
    return;
  }
  auto now = clock_.monotonic_ms();
  timer_.expires_after(std::chrono::milliseconds(*at > now ? *at - now : 0));
  std::weak_ptr<bool> alive = alive_;
  timer_.async_wait([this, alive](boost::system::error_code cancelled) {
    if (cancelled || alive.expired()) return;
    book_.tick(clock_.monotonic_ms());
    carry_out_steps();
  });
}

result<claim_view> claim_desk::view_of(const result<std::string>& claim) const {
  if (!claim) return claim.error();
  if (auto view = book_.find_claim(*claim)) return *view;
  // Given and lost again before anybody looked.
  return error{errc::claim_ended, "this claim is not held any more"};
}

boost::json::value claim_desk::describe(const std::string& device) const {
  auto view = book_.find(device);
  if (!view) return nullptr;
  auto now = clock_.monotonic_ms();
  boost::json::object o{{"holder", view->holder.principal},
                        {"client", view->holder.client},
                        {"here", view->holder.connection != 0},
                        {"ends_in_ms", view->ends_at_ms > now ? view->ends_at_ms - now : 0},
                        {"waiting", view->waiting},
                        {"one_at_a_time", view->one_at_a_time},
                        {"inputs_held", view->inputs_held}};
  return o;
}

}  // namespace tilld::daemon
