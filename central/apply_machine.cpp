#include "central/apply_machine.hpp"

#include <algorithm>
#include <utility>

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "base/canonical_json.hpp"
#include "wire/sync_frame.hpp"

namespace tilld::central {

namespace sync = wire::sync;
using base::chain_head;
using base::errc;
using base::error;
using base::log_level;

namespace {

std::string number(std::uint64_t sequence) { return "record " + std::to_string(sequence); }

// Number 0 is the beginning, which everybody holds and whose hash is zeros.
bool holds(const std::optional<base::hash256>& held, std::uint64_t sequence, const base::hash256& expected) {
  return sequence == 0 ? expected == base::hash256{} : held && *held == expected;
}

}  // namespace

apply_machine::apply_machine(apply_settings settings, std::map<std::string, listing> tills)
    : settings_(std::move(settings)), tills_(std::move(tills)) {}

void apply_machine::load(own_head own, std::map<std::string, standing> standings) {
  own_ = own;
  standings_ = std::move(standings);
}

standing apply_machine::standing_of(const std::string& till) const {
  auto at = standings_.find(till);
  return at == standings_.end() ? standing{} : at->second;
}

const std::string* apply_machine::till_of(connection_id connection) const {
  auto at = till_by_connection_.find(connection);
  return at == till_by_connection_.end() ? nullptr : &at->second;
}

base::result<> apply_machine::may_greet(const sync::hello& h) const {
  if (h.protocol_min > sync::protocol_version || h.protocol_max < sync::protocol_version)
    return error{errc::protocol_unsupported, "this program speaks " + std::to_string(sync::protocol_version)};
  auto at = tills_.find(h.till);
  if (at == tills_.end()) return error{errc::till_unknown, "no till " + h.till + " is listed here"};
  if (at->second.merchant != h.merchant)
    return error{errc::till_unknown,
                 "till " + h.till + " is listed under another merchant than " + h.merchant};
  if (key_of(h.till) != h.key)
    return error{errc::key_refused, standing_of(h.till).replaced_epoch == 0
                                        ? "till " + h.till + " is listed with another public key"
                                        : "till " + h.till + " was replaced by another device"};
  if (h.expected_role != settings_.role)
    return error{errc::role_mismatch, "this is a " + std::string(name(settings_.role)) +
                                          ", the till expects a " + std::string(name(h.expected_role))};
  return {};
}

apply_decisions apply_machine::greeted(moment now, connection_id connection, std::uint64_t request,
                                       const sync::hello& h, const held_evidence& held) {
  now_ = now;
  if (auto may = may_greet(h); !may) {
    refuse(connection, request, may.error().code, may.error().detail, true);
    return finish();
  }
  auto other = admitted_.find(h.till);
  if (other == admitted_.end() || standing_of(h.till).stopped) {
    judge(connection, request, h, held);
  } else if (other->second.instance == h.instance) {
    // The same run of the same daemon: its earlier connection is dead, it only has not been noticed here.
    auto old = other->second.connection;
    drop(old);
    out_.emplace_back(decision::close{old});
    judge(connection, request, h, held);
  } else if (waiting_.count(h.till)) {
    refuse(connection, request, errc::busy, "another connection of this till is being looked at", true);
  } else {
    waiting_twin w{connection,
                   request,
                   h,
                   held,
                   sync::central_request_bit | ++last_ping_,
                   now.monotonic_ms + settings_.twin_answer_ms_max};
    out_.emplace_back(decision::ping{other->second.connection, w.ping_request});
    waiting_.emplace(h.till, std::move(w));
  }
  return finish();
}

void apply_machine::judge(connection_id connection, std::uint64_t request, const sync::hello& h,
                          const held_evidence& held) {
  auto s = standing_of(h.till);
  if (s.stopped)
    return refuse(connection, request, errc::quarantined,
                  std::string(base::describe(s.stopped->code).kind) + ": " + s.stopped->reason, true);
  bool lost_something = notice_restored(h, held, s);
  if (s != standing_of(h.till)) {
    standings_[h.till] = s;
    out_.emplace_back(decision::keep_standing{h.till, s});
  }
  if (h.start_counter < s.start_counter)
    return stop(h.till, errc::journal_rolled_back,
                "the till's start counter went back from " + std::to_string(s.start_counter) + " to " +
                    std::to_string(h.start_counter),
                connection, request);
  if (h.start_counter == s.start_counter && s.start_counter != 0 && h.instance != s.instance)
    return stop(h.till, errc::journal_rolled_back,
                "two runs of the till have the start counter " + std::to_string(s.start_counter), connection,
                request);
  if (lost_something && held.record_at_last && *held.record_at_last != h.last->head.hash)
    return stop(h.till, errc::journal_forked,
                "central holds another " + number(h.last->head.sequence) + " than it had acknowledged",
                connection, request);
  if (h.head.sequence < s.head.sequence)
    return stop(h.till, errc::journal_rolled_back,
                "the till's journal ends with " + number(h.head.sequence) + ", central holds " +
                    number(s.head.sequence),
                connection, request);
  if (h.head.sequence == s.head.sequence && h.head.hash != s.head.hash)
    return stop(h.till, errc::journal_forked,
                "the till has another " + number(s.head.sequence) + " than central", connection, request);
  auto allowed = epoch_allowed_of(h.till);
  if (h.head.epoch > allowed)
    return refuse(
        connection, request, errc::epoch_not_allowed,
        "the till is in epoch " + std::to_string(h.head.epoch) + ", allowed is " + std::to_string(allowed),
        true);

  s.start_counter = h.start_counter;
  s.instance = h.instance;
  if (!standings_.count(h.till) || s != standings_[h.till]) {
    standings_[h.till] = s;
    out_.emplace_back(decision::keep_standing{h.till, s});
  }
  admitted_[h.till] = {connection, h.instance};
  till_by_connection_[connection] = h.till;
  sync::welcome w;
  w.protocol = sync::protocol_version;
  w.role_here = settings_.role;
  w.software = settings_.software;
  w.epoch_allowed = allowed;
  w.standing = {s.head, own_.sequence, own_.hash, {}};
  if (lost_something) {
    w.notice = errc::record_gap;
    w.notice_text = "central acknowledged " + number(h.last->head.sequence) + " and now holds up to " +
                    number(s.head.sequence) + "; send the missing ones again";
  }
  out_.emplace_back(decision::admit{connection, request, h.till, std::move(w)});
}

// Whether the till's last acknowledgement proves that central lost or changed what it had. Noted once a
// proof, for ever.
bool apply_machine::notice_restored(const sync::hello& h, const held_evidence& held, standing& s) {
  if (!h.last) return false;
  auto& last = *h.last;
  if (!held.last_is_ours) {
    out_.emplace_back(decision::tell{log_level::warning,
                                     "A till showed an acknowledgement that is not signed by this server",
                                     h.till, std::nullopt});
    return false;
  }
  if (holds(held.record_at_last, last.head.sequence, last.head.hash) &&
      holds(held.own_at_last, last.central_sequence, last.central_hash))
    return false;
  auto proof = base::sha256({last.encode()});
  if (proof == s.noted_witness) return true;
  s.noted_witness = proof;
  ++s.restored;
  boost::json::object acknowledged{{"epoch", last.head.epoch},
                                   {"sequence", last.head.sequence},
                                   {"hash", base::to_hex(last.head.hash)},
                                   {"central_sequence", last.central_sequence},
                                   {"central_hash", base::to_hex(last.central_hash)},
                                   {"signature", base::to_hex(last.signature)}};
  boost::json::object held_now{{"sequence", s.head.sequence},
                               {"hash", base::to_hex(s.head.hash)},
                               {"central_sequence", own_.sequence},
                               {"central_hash", base::to_hex(own_.hash)}};
  boost::json::object text{{"at_unix_ms", now_.unix_ms}, {"acknowledged", acknowledged}, {"held", held_now}};
  auto canonical = base::canonical_json(text);
  out_.emplace_back(decision::tell{
      log_level::error,
      "This server lost or changed what it had acknowledged: it was restored or its database was altered",
      h.till,
      error{errc::journal_rolled_back, "acknowledged was " + number(last.head.sequence) + " at own number " +
                                           std::to_string(last.central_sequence) + ", held is " +
                                           number(s.head.sequence) + " at own number " +
                                           std::to_string(own_.sequence)}});
  keep_event(entry_kind::restored, h.till, std::move(canonical));
  return true;
}

apply_decisions apply_machine::append(moment now, connection_id connection, std::uint64_t request,
                                      const sync::append& batch, std::span<const base::hash256> held) {
  now_ = now;
  auto* till = till_of(connection);
  // Of a connection that was closed in between; its till sends it again on the next one.
  if (!till) return finish();
  auto name = *till;
  auto s = standing_of(name);
  auto last_held = s.head.sequence;
  if (batch.records.empty() || batch.first == 0) {
    refuse(connection, request, errc::invalid_params, "a batch needs records, and the first number is 1",
           true);
    return finish();
  }
  if (batch.first > last_held + 1) {
    refuse(connection, request, errc::record_gap,
           "central holds " + number(last_held) + ", the batch begins with " + number(batch.first), false,
           s.head);
    return finish();
  }
  // First the batch by itself, so that a damaged one is called damaged and not a fork.
  base::chain_follower follower(name, {1, batch.first - 1, batch.previous});
  std::vector<base::record_header> headers;
  headers.reserve(batch.records.size());
  for (auto& record : batch.records) {
    auto header = follower.take(record);
    if (!header) {
      refuse(connection, request, errc::record_damaged, header.error().detail, false);
      return finish();
    }
    headers.push_back(std::move(*header));
  }
  if (batch.first == last_held + 1 && batch.previous != s.head.hash) {
    stop(name, errc::journal_forked,
         number(batch.first) + " follows another " + number(last_held) + " than central's", connection,
         request);
    return finish();
  }
  std::size_t skip = 0;
  for (; skip < batch.records.size() && headers[skip].sequence <= last_held; ++skip) {
    if (skip >= held.size()) {
      refuse(connection, request, errc::internal,
             "central does not find its own " + number(headers[skip].sequence), true);
      return finish();
    }
    if (held[skip] != batch.records[skip].hash) {
      stop(name, errc::journal_forked,
           "the till has another " + number(headers[skip].sequence) + " than central", connection, request);
      return finish();
    }
  }
  auto allowed = epoch_allowed_of(name);
  for (auto at = skip; at < headers.size(); ++at) {
    if (headers[at].epoch < s.head.epoch) {
      refuse(connection, request, errc::record_damaged,
             number(headers[at].sequence) + " goes back to epoch " + std::to_string(headers[at].epoch),
             false);
      return finish();
    }
    if (headers[at].epoch > allowed) {
      refuse(connection, request, errc::epoch_not_allowed,
             number(headers[at].sequence) + " is of epoch " + std::to_string(headers[at].epoch) +
                 ", allowed is " + std::to_string(allowed),
             true);
      return finish();
    }
  }
  if (skip < headers.size()) {
    decision::keep_records keep{name, skip, {}};
    for (auto at = skip; at < headers.size(); ++at)
      keep.entries.push_back(next_entry(entry_kind::record, name, batch.records[at].hash));
    s.head = follower.head();
    standings_[name] = s;
    out_.emplace_back(std::move(keep));
    out_.emplace_back(decision::keep_standing{name, s});
  }
  out_.emplace_back(decision::acknowledge{connection, request, name, {s.head, own_.sequence, own_.hash, {}}});
  return finish();
}

apply_decisions apply_machine::pong(moment now, connection_id connection, std::uint64_t request) {
  now_ = now;
  auto* till = till_of(connection);
  if (!till) return finish();
  auto at = waiting_.find(*till);
  if (at == waiting_.end() || at->second.ping_request != request) return finish();
  auto name = *till;
  stop(name, errc::till_twin, "two machines are connected with the identity of this till",
       at->second.connection, at->second.request);
  return finish();
}

apply_decisions apply_machine::lost(moment now, connection_id connection) {
  now_ = now;
  for (auto at = waiting_.begin(); at != waiting_.end(); ++at) {
    if (at->second.connection != connection) continue;
    waiting_.erase(at);
    return finish();
  }
  if (auto* till = till_of(connection)) {
    auto name = *till;
    drop(connection);
    admit_waiting(name);
  }
  return finish();
}

apply_decisions apply_machine::tick(moment now) {
  now_ = now;
  std::vector<std::string> due;
  for (auto& [till, w] : waiting_)
    if (now.monotonic_ms >= w.until_ms) due.push_back(till);
  for (auto& till : due) {
    // The older connection had its time and said nothing: a machine that lost its power does not say goodbye.
    if (auto at = admitted_.find(till); at != admitted_.end()) {
      auto old = at->second.connection;
      drop(old);
      out_.emplace_back(decision::close{old});
    }
    admit_waiting(till);
  }
  return finish();
}

void apply_machine::admit_waiting(const std::string& till) {
  auto at = waiting_.find(till);
  if (at == waiting_.end()) return;
  auto w = std::move(at->second);
  waiting_.erase(at);
  judge(w.connection, w.request, w.hello, w.held);
}

base::result<apply_decisions> apply_machine::release(moment now, const std::string& till,
                                                     const std::string& reason, const std::string& by) {
  now_ = now;
  auto at = standings_.find(till);
  if (at == standings_.end()) return error{errc::till_unknown, "no till " + till + " is known here"};
  if (!at->second.stopped) return error{errc::operation_not_found, "till " + till + " is not in quarantine"};
  auto& s = at->second;
  boost::json::object was{{"code", base::describe(s.stopped->code).kind},
                          {"reason", s.stopped->reason},
                          {"since_unix_ms", s.stopped->since_unix_ms}};
  boost::json::object text{{"at_unix_ms", now.unix_ms}, {"by", by}, {"reason", reason}, {"was", was}};
  s.stopped.reset();
  // The person has looked; whichever machine signs on next sets the count anew.
  s.start_counter = 0;
  s.instance = {};
  keep_event(entry_kind::released, till, base::canonical_json(text));
  out_.emplace_back(decision::keep_standing{till, s});
  out_.emplace_back(
      decision::tell{log_level::warning, "A person released a till from quarantine", till, std::nullopt});
  return finish();
}

apply_decisions apply_machine::note_listing(moment now) {
  now_ = now;
  for (auto& [till, l] : tills_) {
    auto s = standing_of(till);
    if (s.listed_epoch == l.epoch_allowed && s.listed_key == l.key) continue;
    s.listed_epoch = l.epoch_allowed;
    s.listed_key = l.key;
    standings_[till] = s;
    boost::json::object text{{"at_unix_ms", now.unix_ms},
                             {"branch", l.branch},
                             {"epoch", l.epoch_allowed},
                             {"merchant", l.merchant},
                             {"public_key", base::to_hex(l.key)}};
    keep_event(entry_kind::listed, till, base::canonical_json(text));
    out_.emplace_back(decision::keep_standing{till, s});
  }
  for (auto& [till, s] : standings_) {
    if (tills_.count(till) || s.listed_epoch == 0) continue;
    s.listed_epoch = 0;
    s.listed_key = {};
    boost::json::object text{{"at_unix_ms", now.unix_ms}};
    keep_event(entry_kind::unlisted, till, base::canonical_json(text));
    out_.emplace_back(decision::keep_standing{till, s});
  }
  return finish();
}

base::public_key apply_machine::key_of(const std::string& till) const {
  auto& listed = tills_.at(till);
  auto s = standing_of(till);
  return listed.epoch_allowed > s.replaced_epoch ? listed.key : s.replaced_key;
}

std::uint32_t apply_machine::epoch_allowed_of(const std::string& till) const {
  return std::max(tills_.at(till).epoch_allowed, standing_of(till).replaced_epoch);
}

base::result<apply_machine::replaced> apply_machine::replace(moment now, const std::string& till,
                                                             const replacement_wish& wish) {
  now_ = now;
  if (!tills_.count(till)) return error{errc::till_unknown, "no till " + till + " is listed here"};
  auto s = standing_of(till);
  auto former = key_of(till);
  if (former == wish.key)
    return error{errc::invalid_params,
                 "that is the key of the device that is to be replaced; a new one has its own"};
  replaced done;
  auto& order = done.order;
  order.till = till;
  order.key = wish.key;
  order.epoch = std::max(epoch_allowed_of(till), s.head.epoch) + 1;
  order.after = s.head;
  if (wish.order) {
    if (wish.order->till != till || wish.order->key != wish.key || wish.order->epoch < order.epoch)
      return error{errc::invalid_params,
                   "the order is for another till, another key or an epoch that is over"};
    if (wish.order->after != s.head)
      return error{errc::record_gap, "the order begins behind " + number(wish.order->after.sequence) +
                                         ", this server holds up to " + number(s.head.sequence) +
                                         "; bring what one of them misses from the other first"};
    order.epoch = wish.order->epoch;
  }
  bool lost = wish.seen_up_to > s.head.sequence;
  auto missing = "records " + std::to_string(s.head.sequence + 1) + " to " + std::to_string(wish.seen_up_to);
  if (lost && !wish.accept_loss)
    return error{errc::record_gap, missing + " were seen by " + wish.seen_by +
                                       " and are not here: bring them, or accept that they are lost"};

  boost::json::object head{
      {"epoch", s.head.epoch}, {"sequence", s.head.sequence}, {"hash", base::to_hex(s.head.hash)}};
  boost::json::object text{{"at_unix_ms", now.unix_ms},
                           {"by", wish.by},
                           {"reason", wish.reason},
                           {"epoch", order.epoch},
                           {"former_key", base::to_hex(former)},
                           {"public_key", base::to_hex(wish.key)},
                           {"after", head},
                           {"lost", nullptr}};
  if (lost)
    text["lost"] = {{"from", s.head.sequence + 1}, {"to", wish.seen_up_to}, {"seen_by", wish.seen_by}};
  if (wish.order) text["order_of"] = base::to_hex(wish.order->central);
  s.replaced_epoch = order.epoch;
  s.replaced_key = wish.key;
  s.stopped.reset();
  s.start_counter = 0;
  s.instance = {};
  standings_[till] = s;
  keep_event(entry_kind::replaced, till, base::canonical_json(text));
  out_.emplace_back(decision::keep_standing{till, s});
  out_.emplace_back(decision::tell{
      log_level::warning, "A person replaced the device of a till", till,
      lost ? std::optional(error{errc::record_gap, missing + " are lost, by " + wish.by + ": " + wish.reason})
           : std::nullopt});
  auto why = "till " + till + " was replaced by another device";
  if (auto at = admitted_.find(till); at != admitted_.end())
    refuse(at->second.connection, 0, errc::key_refused, why, true);
  if (auto at = waiting_.find(till); at != waiting_.end())
    refuse(at->second.connection, at->second.request, errc::key_refused, why, true);
  waiting_.erase(till);
  done.decisions = finish();
  return done;
}

base::result<apply_decisions> apply_machine::complete(moment now, const std::string& till,
                                                      const sync::append& batch, const std::string& source,
                                                      const std::string& reason, const std::string& by) {
  now_ = now;
  if (!tills_.count(till)) return error{errc::till_unknown, "no till " + till + " is listed here"};
  auto s = standing_of(till);
  if (batch.records.empty() || batch.first != s.head.sequence + 1 || batch.previous != s.head.hash)
    return error{errc::record_gap, "the records do not follow " + number(s.head.sequence) +
                                       ", which is the last one held here"};
  base::chain_follower follower(till, s.head);
  for (auto& r : batch.records) {
    auto header = follower.take(r);
    if (!header) return header.error();
    if (header->epoch > epoch_allowed_of(till))
      return error{errc::epoch_not_allowed, number(header->sequence) + " is of an epoch that is not allowed"};
  }
  decision::keep_records keep{till, 0, {}};
  for (auto& r : batch.records) keep.entries.push_back(next_entry(entry_kind::record, till, r.hash));
  s.head = follower.head();
  standings_[till] = s;
  out_.emplace_back(std::move(keep));
  boost::json::object text{{"at_unix_ms", now.unix_ms}, {"by", by},
                           {"reason", reason},          {"source", source},
                           {"from", batch.first},       {"to", s.head.sequence}};
  keep_event(entry_kind::completed, till, base::canonical_json(text));
  out_.emplace_back(decision::keep_standing{till, s});
  return finish();
}

// Quarantine: written down, every connection of the till closed, the one that showed it told why.
void apply_machine::stop(const std::string& till, errc code, std::string reason, connection_id connection,
                         std::uint64_t request) {
  auto& s = standings_[till];
  s.stopped = quarantine{code, reason, now_.unix_ms};
  boost::json::object text{
      {"at_unix_ms", now_.unix_ms}, {"code", base::describe(code).kind}, {"reason", reason}};
  keep_event(entry_kind::quarantined, till, base::canonical_json(text));
  out_.emplace_back(decision::keep_standing{till, s});
  out_.emplace_back(decision::tell{log_level::error, "A till is in quarantine until a person releases it",
                                   till, error{code, reason}});
  if (auto at = admitted_.find(till); at != admitted_.end() && at->second.connection != connection) {
    auto other = at->second.connection;
    refuse(other, 0, code, reason, true);
  }
  if (auto at = waiting_.find(till); at != waiting_.end() && at->second.connection != connection)
    refuse(at->second.connection, at->second.request, code, reason, true);
  waiting_.erase(till);
  refuse(connection, request, code, std::move(reason), true);
}

void apply_machine::keep_event(entry_kind kind, const std::string& till, std::string text) {
  auto entry = next_entry(kind, till, base::as_bytes(text));
  out_.emplace_back(decision::keep_event{kind, till, std::move(text), entry});
}

void apply_machine::refuse(connection_id connection, std::uint64_t request, errc code, std::string text,
                           bool then_close, std::optional<chain_head> head) {
  out_.emplace_back(
      decision::refuse{connection, request, {static_cast<int>(code), std::move(text), head}, then_close});
  if (then_close) drop(connection);
}

own_head apply_machine::next_entry(entry_kind kind, const std::string& till, base::byte_view content) {
  own_.hash = entry_hash(own_.hash, own_.sequence + 1, kind, till, content);
  ++own_.sequence;
  return own_;
}

void apply_machine::drop(connection_id connection) {
  auto at = till_by_connection_.find(connection);
  if (at == till_by_connection_.end()) return;
  admitted_.erase(at->second);
  till_by_connection_.erase(at);
}

apply_decisions apply_machine::finish() { return std::exchange(out_, {}); }

}  // namespace tilld::central
