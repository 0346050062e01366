#include "daemon/router/keyed_calls.hpp"

#include <algorithm>
#include <set>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/json.hpp>

#include "base/as_result.hpp"
#include "base/log.hpp"
#include "base/step.hpp"

namespace tilld::daemon {

namespace asio = boost::asio;
using base::errc;
using base::error;
using base::result;
using base::uuid;
using wire::answer;
using wire::make_error;

// A call in hand. Whoever comes with the same key meanwhile waits for it.
struct keyed_calls::job {
  base::hash256 mac{};
  std::optional<uuid> operation;  // set as soon as it is certain that this one runs, and its intent durable
  std::optional<uuid> before;     // an earlier attempt that the device is asked about
  std::optional<operation_row> question;  // set where nothing is written down
  std::optional<answer> outcome;
  std::shared_ptr<base::cancellation> cancel = std::make_shared<base::cancellation>();
  std::set<asio::steady_timer*> waiting;

  void wake() {
    for (auto* one : waiting) one->cancel();
  }
};

// Hears of the end of a job while it lives.
class keyed_calls::ear {
 public:
  ear(const asio::any_io_executor& executor, std::shared_ptr<job> held)
      : timer(executor), held_(std::move(held)) {
    held_->waiting.insert(&timer);
  }
  ~ear() { held_->waiting.erase(&timer); }
  ear(const ear&) = delete;
  asio::steady_timer timer;

 private:
  std::shared_ptr<job> held_;
};

keyed_calls::keyed_calls(asio::any_io_executor executor, store& s, const base::clock& clock,
                         base::byte_string mac_key)
    : executor_(std::move(executor)),
      store_(s),
      clock_(clock),
      mac_key_(std::move(mac_key)),
      forget_(executor_) {}

result<operation_key> keyed_calls::key_of(const call& c) const {
  auto* key = c.params.if_contains("idempotency_key");
  if (!key) return error{errc::key_missing, c.method + " needs idempotency_key"};
  if (!key->is_string() || !base::is_idempotency_key(key->get_string()))
    return error{errc::invalid_params, "idempotency_key must be 1 to 64 printable ASCII characters"};
  return operation_key{c.who->principal, c.method, std::string(key->get_string())};
}

answer keyed_calls::replayed(const operation_row& row, base::language l) const {
  if (row.kind == answer_kind::expired)
    return make_error({errc::answer_expired, "done, but its answer is no longer kept"}, l, row.id);
  return {row.kind == answer_kind::error, row.answer};
}

asio::awaitable<answer> keyed_calls::book(request r, booking effect) {
  auto language = r.what.who->language;
  auto key = key_of(r.what);
  if (!key) co_return make_error(key.error(), language);
  auto mac = r.mac ? *r.mac : content_of(r.what.params, r.secret_members);

  struct booked {
    found_row found;
    answer fresh;
    uuid id;
  };
  auto b = std::make_shared<booked>();
  auto now = clock_.unix_ms();
  store::work look = [b, key = *key, mac](rows& in) -> result<> {
    auto row = in.find_operation(key);
    if (!row) return row.error();
    b->found = {decide(*row, mac), std::move(*row)};
    return {};
  };
  store::work work = [b, look, key = *key, mac, now, effect, seal = r.seal_answer](rows& in) -> result<> {
    if (auto looked = look(in); !looked) return looked.error();
    if (b->found.decision != intake_decision::run) return {};
    b->id = uuid::v7(now);
    auto before = in.head().sequence;
    auto outcome = effect(in, b->id);
    if (!outcome) return outcome.error();
    b->fresh = std::move(*outcome);
    operation_row row{key,
                      b->id,
                      mac,
                      operation_state::done,
                      b->fresh.is_error ? answer_kind::error : answer_kind::result,
                      b->fresh.text,
                      "",
                      in.head().sequence > before ? in.head().sequence : 0,
                      now};
    return in.put_operation(row, seal);
  };
  auto outcome = co_await store_.run(work_kind::books, std::move(work));
  if (!outcome) {
    // A full or broken disk must not hide what was booked before.
    auto why = outcome.error();
    auto looked = co_await store_.run(work_kind::reads, std::move(look));
    if (!looked || b->found.decision == intake_decision::run) co_return make_error(why, language);
  }
  switch (b->found.decision) {
    case intake_decision::run: co_return b->fresh;
    case intake_decision::replay:
    case intake_decision::expired: co_return replayed(*b->found.row, language);
    case intake_decision::conflict: {
      error why{errc::key_conflict, "this key was used before with other content"};
      co_return make_error(why, language, b->found.row->id);
    }
    case intake_decision::ask_outcome: break;
  }
  // A booking is never half done; only a device call with the same method name in an older version could
  // leave this.
  error why{errc::outcome_unknown, "the outcome under this key is not known"};
  co_return make_error(why, language, b->found.row->id);
}

asio::awaitable<result<>> keyed_calls::put(operation_row row, bool seal) {
  store::work work = [row = std::move(row), seal](rows& in) -> result<> {
    // A question that arises is a fact like any other. One that was asked before is in the journal already.
    if (row.state == operation_state::unknown) {
      auto before = in.find_operation(row.key);
      if (!before) return before.error();
      if (!*before || (*before)->state != operation_state::unknown)
        if (auto noted = in.append(unknown_note(row)); !noted) return noted.error();
    }
    return in.put_operation(row, seal);
  };
  return store_.run(work_kind::housekeeps, std::move(work));
}

asio::awaitable<answer> keyed_calls::act(request r, device_action action) {
  auto language = r.what.who->language;
  auto key = key_of(r.what);
  if (!key) co_return make_error(key.error(), language);
  auto mac = r.mac ? *r.mac : content_of(r.what.params, r.secret_members);
  auto wait_ms = r.wait_ms;
  auto cancel = r.what.cancel, gone = r.what.gone;
  // From here on it is known by its key and its content; nothing else of it is needed.
  r.what.drop_params();
  std::shared_ptr<job> mine;
  if (auto at = jobs_->find(*key); at != jobs_->end()) {
    mine = at->second;
    if (mine->mac != mac) {
      error why{errc::key_conflict, "this key is in use with other content"};
      co_return make_error(why, language);
    }
    // Whoever only waits keeps nothing of its request.
    r = {};
    action = {};
  } else {
    mine = std::make_shared<job>();
    mine->mac = mac;
    (*jobs_)[*key] = mine;
    asio::co_spawn(executor_, carry_out(std::move(r), std::move(action), *key, mine), asio::detached);
  }
  co_return co_await answer_of(std::move(mine), wait_ms, std::move(cancel), std::move(gone));
}

asio::awaitable<answer> keyed_calls::ask(request r, question q) {
  auto language = r.what.who->language;
  auto key = key_of(r.what);
  if (!key) co_return make_error(key.error(), language);
  auto mac = r.mac ? *r.mac : content_of(r.what.params, r.secret_members);
  auto wait_ms = r.wait_ms;
  auto cancel = r.what.cancel, gone = r.what.gone;
  r = {};
  (void)kept_->forget_old(clock_.monotonic_ms());
  std::shared_ptr<job> mine;
  if (auto at = jobs_->find(*key); at != jobs_->end()) mine = at->second;
  auto* kept = mine ? nullptr : kept_->find(*key);
  if (mine ? mine->mac != mac : kept && kept->content_mac != mac) {
    error why{errc::key_conflict, "this key was used before with other content"};
    co_return make_error(why, language, kept ? std::optional(kept->id) : mine->operation);
  }
  if (kept && kept->state == operation_state::done) co_return replayed(*kept, language);
  if (!mine) {
    if (q.absent) co_return make_error(*q.absent, language);
    auto at_work = std::count_if(jobs_->begin(), jobs_->end(), [](auto& j) { return !!j.second->question; });
    if (static_cast<std::size_t>(at_work) >= questions_max) {
      error why{errc::busy, "too many questions are being worked on"};
      co_return make_error(why, language);
    }
    mine = std::make_shared<job>();
    mine->mac = mac;
    mine->operation = uuid::v7(clock_.unix_ms());
    mine->question = operation_row{*key, *mine->operation, mac, operation_state::running, answer_kind::none,
                                   "",   q.device,         0,   clock_.unix_ms()};
    (*jobs_)[*key] = mine;
    asio::co_spawn(executor_, carry_question(std::move(q), language, mine), asio::detached);
  }
  q = {};
  co_return co_await answer_of(std::move(mine), wait_ms, std::move(cancel), std::move(gone));
}

asio::awaitable<answer> keyed_calls::answer_of(std::shared_ptr<job> mine,
                                               std::optional<std::uint32_t> wait_ms,
                                               std::shared_ptr<base::cancellation> cancel,
                                               std::shared_ptr<base::cancellation> gone) {
  auto patience = wait_ms ? std::chrono::steady_clock::now() + std::chrono::milliseconds(*wait_ms)
                          : std::chrono::steady_clock::time_point::max();
  co_await wait(mine, patience, std::move(cancel), std::move(gone));
  if (mine->outcome) co_return *mine->outcome;
  boost::json::object running{{"state", "running"}};
  // Who is gone before the intent was durable hears nothing anyway.
  if (mine->operation) running = {{"operation_id", mine->operation->text()}, {"state", "running"}};
  co_return wire::make_result(running);
}

// Until the job has ended, or its intent is durable and the time is over, or nobody listens any more.
asio::awaitable<void> keyed_calls::wait(std::shared_ptr<job> held,
                                        std::chrono::steady_clock::time_point until,
                                        std::shared_ptr<base::cancellation> cancel,
                                        std::shared_ptr<base::cancellation> gone) {
  // One key is one operation: whoever asks for it may wish it away, also the one who came second.
  if (cancel && cancel->wanted()) held->cancel->want();
  base::cancellation::stage waiting_here(cancel.get(), [held] { held->cancel->want(); });
  ear mine(executor_, held);
  base::cancellation::stage listening(gone.get(), [&mine] { mine.timer.cancel(); });
  while (!held->outcome && !(gone && gone->wanted()) &&
         !(held->operation && std::chrono::steady_clock::now() >= until)) {
    mine.timer.expires_at(held->operation ? until : std::chrono::steady_clock::time_point::max());
    co_await mine.timer.async_wait(base::as_result);
  }
}

bool keyed_calls::cancel(const uuid& operation) {
  for (auto& [key, one] : *jobs_)
    if (one->operation == operation || one->before == operation) {
      auto held = one;
      held->cancel->want();
      return true;
    }
  return false;
}

const operation_key* keyed_calls::find_running(const uuid& operation) const {
  for (auto& [key, one] : *jobs_)
    if (one->operation == operation || one->before == operation) return &key;
  return nullptr;
}

const operation_key* keyed_calls::find_former(const uuid& operation) const {
  auto at = former_.find(operation);
  return at == former_.end() ? nullptr : &at->second;
}

void keyed_calls::remember_former(const uuid& operation, const operation_key& key) {
  if (!former_.emplace(operation, key).second) return;
  former_order_.push_back(operation);
  if (former_order_.size() <= former_max) return;
  former_.erase(former_order_.front());
  former_order_.pop_front();
}

std::size_t keyed_calls::running() const {
  auto written = std::count_if(jobs_->begin(), jobs_->end(), [](auto& j) { return !j.second->question; });
  return static_cast<std::size_t>(written);
}

const operation_row* keyed_calls::find_question(const operation_key& key) const {
  auto at = jobs_->find(key);
  if (at != jobs_->end()) return at->second->question ? &*at->second->question : nullptr;
  return kept_->find(key);
}

const operation_row* keyed_calls::find_question(const uuid& operation) const {
  for (auto& [key, one] : *jobs_)
    if (one->question && one->operation == operation) return &*one->question;
  return kept_->find(operation);
}

asio::awaitable<void> keyed_calls::carry_question(question q, base::language language,
                                                  std::shared_ptr<job> mine) {
  auto all = jobs_;
  auto kept = kept_;
  answer said;
  try {
    said = co_await q.run(mine->cancel);
  } catch (const std::exception& bug) {
    base::log(base::log_level::error, "A question ended with an exception", {{"what", bug.what()}});
    said = make_error({errc::internal, ""}, language);
  }
  auto row = std::move(*mine->question);
  row.state = said.is_error ? operation_state::failed : operation_state::done;
  row.kind = said.is_error ? answer_kind::error : answer_kind::result;
  row.answer = said.text;
  row.changed_ms = clock_.unix_ms();
  all->erase(row.key);
  mine->outcome = said;
  mine->wake();
  kept->put(row, clock_.monotonic_ms());
  forget_in_time(kept->forget_old(clock_.monotonic_ms()));
  if (on_finished) on_finished(row, said);
}

// What is too old is not only not answered any more, it is gone from the memory.
void keyed_calls::forget_in_time(std::optional<std::uint64_t> at_ms) {
  if (!at_ms) return;
  auto now = clock_.monotonic_ms();
  forget_.expires_after(std::chrono::milliseconds(*at_ms > now ? *at_ms - now : 0));
  forget_.async_wait([this, weak = std::weak_ptr<kept_answers>(kept_)](boost::system::error_code failed) {
    auto kept = weak.lock();
    if (failed || !kept) return;
    forget_in_time(kept->forget_old(clock_.monotonic_ms()));
  });
}

asio::awaitable<std::optional<answer>> keyed_calls::wait_for_end(operation_key key,
                                                                 std::chrono::milliseconds at_most,
                                                                 std::shared_ptr<base::cancellation> cancel) {
  auto at = jobs_->find(key);
  if (at == jobs_->end()) co_return std::nullopt;
  auto held = at->second;
  auto until = std::chrono::steady_clock::now() + at_most;
  // Who only looks on gives up looking, not the operation.
  ear mine(executor_, held);
  base::cancellation::stage waiting_here(cancel.get(), [&mine] { mine.timer.cancel(); });
  while (!held->outcome && std::chrono::steady_clock::now() < until && !(cancel && cancel->wanted())) {
    mine.timer.expires_at(until);
    co_await mine.timer.async_wait(base::as_result);
  }
  co_return held->outcome;
}

asio::awaitable<void> keyed_calls::carry_out(request r, device_action action, operation_key key,
                                             std::shared_ptr<job> mine) {
  // Also when a bug throws: who waits must hear something, and the key must not stay locked.
  struct release {
    std::shared_ptr<jobs> all;
    operation_key key;
    std::shared_ptr<job> held;
    answer otherwise;
    ~release() {
      if (!held->outcome) held->outcome = otherwise;
      all->erase(key);
      held->wake();
    }
  };
  release at_the_end{
      jobs_, key, mine,
      make_error({errc::outcome_unknown, "the call ended with an exception"}, r.what.who->language)};
  auto outcome = co_await act_once(std::move(r), std::move(action), key, mine);
  mine->outcome = std::move(outcome);
}

asio::awaitable<answer> keyed_calls::act_once(request r, device_action action, operation_key key,
                                              std::shared_ptr<job> mine) {
  auto mac = mine->mac;
  auto language = r.what.who->language;
  auto found = std::make_shared<found_row>();
  operation_row row{key,
                    uuid::v7(clock_.unix_ms()),
                    mac,
                    operation_state::running,
                    answer_kind::none,
                    "",
                    action.device,
                    0,
                    clock_.unix_ms()};
  store::work look = [found, key, mac](rows& in) -> result<> {
    auto present = in.find_operation(key);
    if (!present) return present.error();
    *found = {decide(*present, mac), std::move(*present)};
    return {};
  };
  store::work intent = [found, look, row](rows& in) -> result<> {
    if (auto looked = look(in); !looked) return looked.error();
    // Written before the device is asked: a crash between the two leaves a question, not a second receipt.
    return found->decision == intake_decision::run ? in.put_operation(row) : result<>();
  };
  result<> stored;
  if (!action.absent) stored = co_await store_.run(work_kind::housekeeps, std::move(intent));
  if (action.absent || !stored) {
    // Neither a missing device nor a broken disk hides what was done before.
    auto looked = co_await store_.run(work_kind::reads, std::move(look));
    if (!looked) co_return make_error(looked.error(), language);
    bool would_act = found->decision == intake_decision::run ||
                     (!stored && found->decision == intake_decision::ask_outcome);
    if (would_act) co_return make_error(stored ? *action.absent : stored.error(), language);
  }

  auto goes_on = [&](const uuid& operation) {
    mine->operation = operation;
    mine->wake();
  };
  device_outcome outcome;
  switch (found->decision) {
    case intake_decision::replay:
    case intake_decision::expired: co_return replayed(*found->row, language);
    case intake_decision::conflict: {
      error why{errc::key_conflict, "this key was used before with other content"};
      co_return make_error(why, language, found->row->id);
    }
    case intake_decision::run:
      goes_on(row.id);
      base::reach(base::step::device_asked);
      outcome = co_await action.act(row.id, mine->cancel);
      base::reach(base::step::device_answered);
      break;
    case intake_decision::ask_outcome: {
      auto asked = *found->row;
      // Who does not wait is told what runs; whether anything does is certain only when the device has said
      // what became of this one. Until then it is found by its id and can be cancelled.
      mine->before = asked.id;
      outcome.why = {errc::outcome_unknown,
                     "nobody can tell what became of it; look, then repeat with a new key or resolve it"};
      if (action.look_up) outcome = co_await action.look_up(asked.id, asked.device);
      if (outcome.what == device_outcome::state::not_done && !action.absent) {
        // Certainly not done: now it is a new operation under the same key.
        auto written = co_await put(row, false);
        if (!written) co_return make_error(written.error(), language, asked.id);
        remember_former(asked.id, key);
        goes_on(row.id);
        base::reach(base::step::device_asked);
        outcome = co_await action.act(row.id, mine->cancel);
        base::reach(base::step::device_answered);
      } else {
        row.id = asked.id;
        row.device = asked.device;
        if (outcome.what == device_outcome::state::not_done) outcome.why = *action.absent;
      }
      break;
    }
  }

  row.changed_ms = clock_.unix_ms();
  answer reply;
  switch (outcome.what) {
    case device_outcome::state::done:
      row.state = operation_state::done;
      row.kind = outcome.result.is_error ? answer_kind::error : answer_kind::result;
      row.answer = outcome.result.text;
      reply = outcome.result;
      break;
    case device_outcome::state::not_done:
      row.state = operation_state::failed;
      reply = make_error(outcome.why, language, row.id);
      // For those who did not wait: it is not answered to a repetition, which runs it again.
      row.kind = answer_kind::error;
      row.answer = reply.text;
      break;
    case device_outcome::state::running: {
      error why{errc::still_running, outcome.why.detail};
      co_return make_error(why, language, row.id);
    }
    case device_outcome::state::unknown: {
      row.state = operation_state::unknown;
      error why{errc::outcome_unknown, outcome.why.detail};
      reply = make_error(why, language, row.id);
      break;
    }
  }
  auto written = co_await put(row, r.seal_answer);
  if (!written) {
    // The device acted and the till cannot remember it. Saying OK would be a promise that a restart breaks.
    base::log(base::log_level::error, "An outcome could not be stored", written.error(),
              {{"operation", row.id.text()}});
    error why{errc::outcome_unknown, "the outcome could not be stored: " + written.error().detail};
    co_return make_error(why, language, row.id);
  }
  if (on_finished) on_finished(row, reply);
  co_return reply;
}

}  // namespace tilld::daemon
