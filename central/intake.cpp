#include "central/intake.hpp"

#include <algorithm>

#include <boost/asio/post.hpp>

#include "base/log.hpp"
#include "base/step.hpp"

namespace tilld::central {

namespace sync = wire::sync;
using base::errc;
using base::error;
using base::result;

namespace {

// A group shares one flush. Larger groups would only make the first of it wait longer.
constexpr std::size_t group_items_max = 64;
constexpr std::size_t group_records_max = 4096;

}  // namespace

intake::intake(boost::asio::io_context& io, store& s, apply_machine machine, const base::signing_key& key,
               const base::clock& clock)
    : io_(io), store_(s), machine_(std::move(machine)), key_(key), clock_(clock) {}

result<> intake::load() {
  auto own = store_.own();
  if (!own) return own.error();
  auto standings = store_.standings();
  if (!standings) return standings.error();
  machine_.load(*own, std::move(*standings));
  return {};
}

connection_id intake::opened(till_line& line) {
  lines_[++last_connection_] = &line;
  return last_connection_;
}

void intake::closed(connection_id connection) {
  proofs_.erase(connection);
  if (lines_.erase(connection)) push(gone{connection});
}

void intake::greeted(connection_id connection, std::uint64_t request, sync::hello h,
                     base::byte_string proof_text, const base::signature& proof_signature) {
  proofs_[connection] = {std::move(proof_text), proof_signature, h.key};
  push(greeting{connection, request, std::move(h)});
}

void intake::append(connection_id connection, std::uint64_t request, sync::append records) {
  push(batch{connection, request, std::move(records)});
}

void intake::pong(connection_id connection, std::uint64_t request) {
  push(sign_of_life{connection, request});
}

void intake::release(std::string till, std::string reason, std::string by,
                     std::function<void(result<>)> then) {
  push(wish_to_release{std::move(till), std::move(reason), std::move(by), std::move(then)});
}

void intake::replace(std::string till, replacement_wish wish,
                     std::function<void(result<wire::replacement>)> then) {
  push(wish_to_replace{std::move(till), std::move(wish), std::move(then)});
}

void intake::complete(std::string till, sync::append records, std::string source, std::string reason,
                      std::string by, std::function<void(result<>)> then) {
  push(wish_to_complete{std::move(till), std::move(records), std::move(source), std::move(reason),
                        std::move(by), std::move(then)});
}

void intake::tick() {
  if (broken_) return;
  push(moment_passed{});
  store_.recover();
  if (auto done = store_.checkpoint_if_due(); !done)
    base::log(base::log_level::error, "The write-ahead log could not be moved into the database",
              done.error());
}

// Posted and not done at once: what the other connections have ready by then joins the same transaction.
void intake::push(item i) {
  waiting_.push_back(std::move(i));
  schedule();
}

void intake::schedule() {
  if (scheduled_ || waiting_.empty()) return;
  scheduled_ = true;
  boost::asio::post(io_, [this] {
    scheduled_ = false;
    take_group();
    schedule();
  });
}

void intake::take_group() {
  std::deque<item> group;
  std::size_t records = 0;
  while (!waiting_.empty() && group.size() < group_items_max && records < group_records_max) {
    if (auto* b = std::get_if<batch>(&waiting_.front())) records += b->records.records.size();
    group.push_back(std::move(waiting_.front()));
    waiting_.pop_front();
  }
  if (broken_) return refuse_group(group, *broken_);
  result<> done;
  for (auto& i : group) {
    done = take(i);
    if (!done) break;
  }
  if (done && writing_) {
    done = store_.keep_own(machine_.own());
    if (done) {
      base::reach(base::step::apply_written);
      done = store_.commit();
    }
    if (done) base::reach(base::step::apply_committed);
  }
  writing_ = false;
  if (!done) return refuse_group(group, done.error());
  auto tell = std::exchange(after_commit_, {});
  for (auto& [connection, what] : tell)
    if (auto at = lines_.find(connection); at != lines_.end()) what(*at->second);
  for (auto& then : std::exchange(released_, {})) then();
}

// Nothing of the group happened. The machine is set back to what is durable, and all who had a part in it are
// sent away: for them it is as if the connection had broken, which they know how to live with.
void intake::refuse_group(std::deque<item>& group, const error& why) {
  store_.rollback();
  after_commit_.clear();
  released_.clear();
  if (why.code != errc::storage_full)
    base::log(base::log_level::error, "What the tills sent could not be stored; they are refused", why);
  if (!broken_)
    if (auto loaded = load(); !loaded) broken_ = loaded.error();
  if (store_.failed() && !broken_)
    broken_ = error{errc::storage_failed, "the disk failed under the database"};
  auto send_away = [&](connection_id connection, std::uint64_t request) {
    auto at = lines_.find(connection);
    if (at == lines_.end()) return;
    sync::refusal no{static_cast<int>(why.code), why.detail, std::nullopt};
    at->second->send(sync::frame_type::refusal, request, no.encode());
    at->second->close();
  };
  for (auto& i : group) {
    if (auto* g = std::get_if<greeting>(&i)) send_away(g->connection, g->request);
    if (auto* b = std::get_if<batch>(&i)) send_away(b->connection, b->request);
    if (auto* w = std::get_if<wish_to_release>(&i)) w->then(why);
    if (auto* w = std::get_if<wish_to_replace>(&i)) w->then(why);
    if (auto* w = std::get_if<wish_to_complete>(&i)) w->then(why);
    if (auto* s = std::get_if<sign_of_life>(&i)) send_away(s->connection, 0);
    // It is gone whether or not its group could be stored.
    if (auto* g = std::get_if<gone>(&i); g && !broken_) waiting_.push_back(std::move(i));
  }
}

result<> intake::take(item& i) {
  if (auto* g = std::get_if<greeting>(&i)) {
    held_evidence held;
    if (g->hello.last) {
      auto& last = *g->hello.last;
      held.last_is_ours =
          base::verify_signature(key_.public_half(), last.signed_text(g->hello.till), last.signature);
      auto record = store_.record_hashes(g->hello.till, last.head.sequence, 1);
      if (!record) return record.error();
      if (!record->empty()) held.record_at_last = record->front();
      auto own = store_.own_hash(last.central_sequence);
      if (!own) return own.error();
      held.own_at_last = *own;
    }
    return carry_out(machine_.greeted(now(), g->connection, g->request, g->hello, held), i);
  }
  if (auto* b = std::get_if<batch>(&i)) {
    std::vector<base::hash256> held;
    if (auto* till = machine_.till_of(b->connection)) {
      auto last = machine_.standing_of(*till).head.sequence;
      if (b->records.first <= last) {
        auto found = store_.record_hashes(*till, b->records.first, b->records.records.size());
        if (!found) return found.error();
        held = std::move(*found);
      }
    }
    return carry_out(machine_.append(now(), b->connection, b->request, b->records, held), i);
  }
  if (auto* s = std::get_if<sign_of_life>(&i))
    return carry_out(machine_.pong(now(), s->connection, s->request), i);
  if (auto* g = std::get_if<gone>(&i)) return carry_out(machine_.lost(now(), g->connection), i);
  if (std::holds_alternative<listing_read>(i)) return carry_out(machine_.note_listing(now()), i);
  if (std::holds_alternative<moment_passed>(i)) return carry_out(machine_.tick(now()), i);
  if (auto* w = std::get_if<wish_to_replace>(&i)) return take(*w, i);
  if (auto* w = std::get_if<wish_to_complete>(&i)) return take(*w, i);
  auto& wish = std::get<wish_to_release>(i);
  auto decisions = machine_.release(now(), wish.till, wish.reason, wish.by);
  if (!decisions) {
    // Refused, not failed: the rest of the group has nothing to do with it.
    released_.push_back([then = wish.then, why = decisions.error()] { then(why); });
    return {};
  }
  released_.push_back([then = wish.then] { then({}); });
  return carry_out(std::move(*decisions), i);
}

// What the till itself showed at its last sign-on counts as seen, whoever asks.
result<> intake::take(wish_to_replace& w, const item& from) {
  auto evidence = store_.evidence();
  if (!evidence) return evidence.error();
  if (auto at = evidence->find(w.till); at != evidence->end() && !at->second.proof_text.empty())
    if (auto head = sync::head_in_proof_text(at->second.proof_text, w.till);
        head && head->sequence > w.wish.seen_up_to) {
      w.wish.seen_up_to = head->sequence;
      w.wish.seen_by = "the till itself, when it signed on";
    }
  auto done = machine_.replace(now(), w.till, w.wish);
  if (!done) {
    released_.push_back([then = w.then, why = done.error()] { then(why); });
    return {};
  }
  auto order = done->order;
  order.central = key_.public_half();
  order.signature = key_.sign(order.signed_text());
  released_.push_back([then = w.then, order = std::move(order)] { then(order); });
  return carry_out(std::move(done->decisions), from);
}

result<> intake::take(wish_to_complete& w, const item& from) {
  auto decisions = machine_.complete(now(), w.till, w.records, w.source, w.reason, w.by);
  if (!decisions) {
    released_.push_back([then = w.then, why = decisions.error()] { then(why); });
    return {};
  }
  released_.push_back([then = w.then] { then({}); });
  return carry_out(std::move(*decisions), from);
}

// Opens the group's transaction when the first decision needs it.
result<> intake::write() {
  if (writing_) return {};
  if (auto begun = store_.begin(); !begun) return begun.error();
  writing_ = true;
  base::reach(base::step::apply_begun);
  return {};
}

result<> intake::carry_out(apply_decisions decisions, const item& from) {
  for (auto& one : decisions) {
    result<> done = std::visit([&](auto& d) { return carry_out(d, from); }, one);
    if (!done) return done;
  }
  return {};
}

result<> intake::carry_out(decision::keep_records& d, const item& from) {
  auto* brought = std::get_if<wish_to_complete>(&from);
  auto& records = brought ? brought->records : std::get<batch>(from).records;
  if (auto open = write(); !open) return open;
  auto at_ms = clock_.unix_ms();
  for (std::size_t n = 0; n < d.entries.size(); ++n) {
    auto which = d.skip + n;
    auto kept = store_.keep(records.records[which], d.till, records.first + which, d.entries[n], at_ms);
    if (!kept) return kept;
  }
  return {};
}

result<> intake::carry_out(decision::keep_event& d, const item&) {
  if (auto open = write(); !open) return open;
  return store_.keep_event(d.kind, d.till, d.text, d.entry, clock_.unix_ms());
}

result<> intake::carry_out(decision::keep_standing& d, const item&) {
  if (auto open = write(); !open) return open;
  return store_.keep_standing(d.till, d.value);
}

result<> intake::carry_out(decision::acknowledge& d, const item&) {
  d.what.signature = key_.sign(d.what.signed_text(d.till));
  // The answer to a batch that brought nothing new says nothing that is not stored already.
  if (writing_)
    if (auto kept = store_.keep_acknowledgement(d.till, d.what); !kept) return kept;
  later(d.connection, [request = d.request, payload = d.what.encode()](till_line& line) {
    line.send(sync::frame_type::appended, request, payload);
  });
  return {};
}

result<> intake::carry_out(decision::admit& d, const item&) {
  auto& standing = d.what.standing;
  standing.signature = key_.sign(standing.signed_text(d.till));
  if (auto at = proofs_.find(d.connection); at != proofs_.end()) {
    // The till signed its head; that is evidence which nobody here could have made.
    auto shown = std::move(at->second);
    proofs_.erase(at);
    if (auto open = write(); !open) return open;
    if (auto kept = store_.keep_proof(d.till, shown.text, shown.signature, shown.key); !kept) return kept;
  }
  later(d.connection, [till = d.till, request = d.request, payload = d.what.encode()](till_line& line) {
    line.admitted(till);
    line.send(sync::frame_type::welcome, request, payload);
  });
  return {};
}

result<> intake::carry_out(decision::refuse& d, const item&) {
  later(d.connection,
        [request = d.request, payload = d.what.encode(), close = d.then_close](till_line& line) {
          line.send(sync::frame_type::refusal, request, payload);
          if (close) line.close();
        });
  return {};
}

result<> intake::carry_out(decision::ping& d, const item&) {
  later(d.connection,
        [request = d.request](till_line& line) { line.send(sync::frame_type::ping, request, {}); });
  return {};
}

result<> intake::carry_out(decision::close& d, const item&) {
  later(d.connection, [](till_line& line) { line.close(); });
  return {};
}

result<> intake::carry_out(decision::tell& d, const item&) {
  if (d.why)
    base::log(d.level, d.sentence, *d.why, {{"till", d.till}});
  else
    base::log(d.level, d.sentence, {{"till", d.till}});
  return {};
}

void intake::later(connection_id to, std::function<void(till_line&)> what) {
  after_commit_.emplace_back(to, std::move(what));
}

moment intake::now() const {
  auto stamp = clock_.now();
  return {stamp.monotonic_ms, stamp.unix_ms};
}

}  // namespace tilld::central
