#include "daemon/forward/forward_machine.hpp"

#include <algorithm>
#include <utility>

namespace tilld::daemon {

namespace sync = wire::sync;
using base::chain_head;
using base::errc;
using base::error;
using base::log_level;
using sync::frame_type;

namespace {

// A destination that keeps saying "go back" without ever taking a record is not going to take one.
constexpr std::uint32_t rewinds_max = 3;

// Codes with which central says that it stopped this till, or with which the till stops because of central.
bool needs_a_person(errc code) { return !base::describe(code).retryable; }

std::string number(std::uint64_t sequence) { return "record " + std::to_string(sequence); }

bool same_record(const chain_head& a, const chain_head& b) {
  return a.sequence == b.sequence && a.hash == b.hash;
}

}  // namespace

forward_machine::forward_machine(forward_settings settings, till_identity identity, const signatures& keys)
    : settings_(std::move(settings)), identity_(std::move(identity)), keys_(keys) {
  status_.destination = settings_.destination;
  status_.role = settings_.role;
}

forward_steps forward_machine::start(moment now, std::optional<sync::witness> known, chain_head beginning,
                                     chain_head head) {
  now_ = now;
  started_ = true;
  witness_ = std::move(known);
  beginning_ = beginning;
  journal_ = head;
  if (witness_) {
    status_.acknowledged = witness_->last.head;
    status_.central_sequence = witness_->last.central_sequence;
    status_.central_hash = witness_->last.central_hash;
    status_.central_key = witness_->central_key;
  }
  status_.since_unix_ms = now.unix_ms;
  phase_ = phase::connecting;
  phase_since_ms_ = now.monotonic_ms;
  out_.emplace_back(forward_action::connect{});
  return finish();
}

forward_steps forward_machine::journal_grew(moment now, chain_head head) {
  now_ = now;
  if (head.sequence > journal_.sequence) journal_ = head;
  pump();
  return finish();
}

forward_steps forward_machine::connected(moment now, const sync::nonce& fresh_nonce) {
  now_ = now;
  if (phase_ != phase::connecting) return finish();
  phase_ = phase::greeting;
  phase_since_ms_ = now.monotonic_ms;
  in_flight_.clear();
  reading_ = false;
  standing_.reset();
  position_wanted_.reset();
  ping_request_ = 0;
  rewinds_ = 0;

  hello_ = {};
  hello_.software = identity_.software;
  hello_.merchant = identity_.merchant;
  hello_.till = identity_.till;
  hello_.key = identity_.key;
  hello_.expected_role = settings_.role;
  hello_.head = journal_;
  if (witness_) hello_.last = witness_->last;
  hello_.start_counter = identity_.start_counter;
  hello_.instance = identity_.instance;
  hello_.till_nonce = fresh_nonce;
  greeting_request_ = ++last_request_;
  ask(frame_type::hello, greeting_request_, hello_.encode());
  return finish();
}

forward_steps forward_machine::disconnected(moment now, const error& why) {
  now_ = now;
  if (started_ && phase_ != phase::waiting) fail(why);
  return finish();
}

forward_steps forward_machine::frame_arrived(moment now, const sync::frame& f) {
  now_ = now;
  if (phase_ == phase::waiting || phase_ == phase::connecting) return finish();
  switch (f.type) {
    case frame_type::challenge: on_challenge(f); break;
    case frame_type::welcome: on_welcome(f); break;
    case frame_type::appended: on_appended(f); break;
    case frame_type::refusal: on_refusal(f); break;
    case frame_type::ping: ask(frame_type::pong, f.request, {}); break;
    case frame_type::pong:
      if (f.request == ping_request_) ping_request_ = 0;
      break;
    case frame_type::reply: break;  // the shell's business, by request id
    default: {
      sync::refusal no{static_cast<int>(errc::unknown_method), "a till does not know this frame type", {}};
      ask(frame_type::refusal, f.request, no.encode());
    }
  }
  return finish();
}

void forward_machine::on_challenge(const sync::frame& f) {
  if (phase_ != phase::greeting || f.request != greeting_request_)
    return fail({errc::parse_error, "the destination sent a challenge out of turn"});
  auto c = sync::challenge::parse(f.payload);
  if (!c) return fail(c.error());
  auto expected = settings_.pinned_key ? settings_.pinned_key
                  : witness_           ? std::optional(witness_->central_key)
                                       : std::nullopt;
  if (expected && *expected != c->central_key)
    return fail({errc::destination_changed, "it has the key " + base::to_hex(c->central_key) +
                                                ", expected was " + base::to_hex(*expected)});
  if (!keys_.verify(c->central_key, sync::challenge_text(hello_, c->central_nonce, c->central_key),
                    c->signature))
    return fail({errc::destination_changed, "it could not prove the key " + base::to_hex(c->central_key)});
  central_key_ = c->central_key;
  status_.central_key = c->central_key;
  sync::proof p{keys_.sign(sync::proof_text(hello_, c->central_nonce, c->central_key))};
  phase_ = phase::proving;
  ask(frame_type::proof, greeting_request_, p.encode());
}

void forward_machine::on_welcome(const sync::frame& f) {
  if (phase_ != phase::proving || f.request != greeting_request_)
    return fail({errc::parse_error, "the destination sent a welcome out of turn"});
  auto w = sync::welcome::parse(f.payload);
  if (!w) return fail(w.error());
  if (w->protocol != sync::protocol_version)
    return fail(
        {errc::protocol_unsupported, "the destination chose protocol " + std::to_string(w->protocol)});
  if (w->role_here != settings_.role)
    return fail({errc::role_mismatch, "it is a " + std::string(name(w->role_here)) + ", expected was a " +
                                          std::string(name(settings_.role))});
  if (!keys_.verify(central_key_, w->standing.signed_text(identity_.till), w->standing.signature))
    return fail({errc::destination_changed, "the signature of its welcome is wrong"});
  if (w->standing.head.sequence > journal_.sequence)
    return fail({errc::journal_rolled_back, "the destination holds " + number(w->standing.head.sequence) +
                                                ", the journal here ends with " + number(journal_.sequence)});
  status_.central_software = w->software;
  if (w->notice)
    tell(log_level::warning, "The destination lost something that it had acknowledged",
         error{*w->notice, w->notice_text});
  // A witness of another key says nothing about this one; that happens only where a person put a new
  // public_key.
  if (witness_ && witness_->central_key == central_key_) notice_loss(w->standing);
  standing_ = w->standing;
  phase_ = phase::positioning;
  phase_since_ms_ = now_.monotonic_ms;
  position(w->standing.head);
}

// The till's own check that central still holds what it signed; it does not depend on central admitting it.
void forward_machine::notice_loss(const sync::acknowledgement& a) {
  auto& before = witness_->last;
  bool records_lost = a.head.sequence < before.head.sequence;
  bool chain_lost = a.central_sequence < before.central_sequence ||
                    (a.central_sequence == before.central_sequence && a.central_hash != before.central_hash);
  if (!records_lost && !chain_lost) return;
  ++status_.destination_lost_records;
  tell(log_level::error,
       "The destination holds less than it had acknowledged; what this till has is sent again",
       error{errc::record_gap, "it had acknowledged " + number(before.head.sequence) + " at its own number " +
                                   std::to_string(before.central_sequence) + " and now stands at " +
                                   number(a.head.sequence) + ", own number " +
                                   std::to_string(a.central_sequence)});
}

void forward_machine::on_appended(const sync::frame& f) {
  auto at =
      std::find_if(in_flight_.begin(), in_flight_.end(), [&](auto& b) { return b.request == f.request; });
  if (at == in_flight_.end()) return;  // an answer from before a rewind, or one that came twice
  auto a = sync::acknowledgement::parse(f.payload);
  if (!a) return fail(a.error());
  if (!keys_.verify(central_key_, a->signed_text(identity_.till), a->signature))
    return fail({errc::destination_changed, "the signature of an acknowledgement is wrong"});
  if (a->head.sequence < at->last.sequence)
    return fail({errc::record_gap, "a batch up to " + number(at->last.sequence) + " was acknowledged up to " +
                                       number(a->head.sequence)});
  notice_loss(*a);
  failures_ = 0;
  rewinds_ = 0;
  // Usually this batch's own last record. A later one in flight counts for all before it.
  auto covered = std::find_if(at, in_flight_.end(), [&](auto& b) { return same_record(b.last, a->head); });
  if (covered == in_flight_.end()) {
    // It holds something else than what was just sent: look into the journal before believing it.
    standing_ = *a;
    return position(a->head);
  }
  in_flight_.erase(in_flight_.begin(), covered + 1);
  remember(*a);
  pump();
}

void forward_machine::on_refusal(const sync::frame& f) {
  auto r = sync::refusal::parse(f.payload);
  if (!r) return fail(r.error());
  auto why = r->as_error();
  if (f.request == 0 || f.request == greeting_request_) return fail(why);
  auto at =
      std::find_if(in_flight_.begin(), in_flight_.end(), [&](auto& b) { return b.request == f.request; });
  if (at == in_flight_.end())
    return;  // of a batch that a rewind gave up, or of a call, which is the shell's business
  if (why.code != errc::record_gap || !r->head) return fail(why);
  if (++rewinds_ > rewinds_max)
    return fail({errc::record_gap, "the destination went back again and again: " + why.detail});
  tell(log_level::warning, "The destination misses records; going back to them", why);
  standing_.reset();
  position(*r->head);
}

// Makes `head` the point behind which sending goes on, once it is known that this journal has that very
// record there.
void forward_machine::position(const chain_head& head) {
  in_flight_.clear();
  reading_ = false;
  phase_ = phase::positioning;
  auto check = [&](const chain_head& known) {
    if (known.hash == head.hash) return positioned(head);
    fail(
        {errc::journal_forked, "the destination holds another " + number(head.sequence) + " than this till"});
  };
  if (head.sequence < beginning_.sequence)
    return fail({errc::record_gap, "the destination needs the records after " + number(head.sequence) +
                                       ", the oldest here follows " + number(beginning_.sequence)},
                true);
  if (head.sequence > journal_.sequence)
    return fail({errc::journal_rolled_back, "the destination holds " + number(head.sequence) +
                                                ", the journal here ends with " + number(journal_.sequence)});
  if (head.sequence == beginning_.sequence) return check(beginning_);
  if (head.sequence == journal_.sequence) return check(journal_);
  if (witness_ && same_record(witness_->last.head, head)) return positioned(head);
  position_wanted_ = head;
  reading_ = true;
  out_.emplace_back(forward_action::read{++last_read_, head.sequence, 1, 1});
}

void forward_machine::positioned(const chain_head& head) {
  phase_ = phase::streaming;
  tail_ = head;
  position_wanted_.reset();
  status_.stopped_for_a_person.reset();
  if (standing_) remember(*standing_);
  if (!status_.connected) status_.since_unix_ms = now_.unix_ms;
  status_.connected = true;
  status_.next_try_unix_ms = 0;
  standing_.reset();
  pump();
}

forward_steps forward_machine::records_read(moment now, std::uint64_t id,
                                            base::result<std::vector<base::record>> records) {
  now_ = now;
  if (!reading_ || id != last_read_) return finish();  // asked before a rewind or on an earlier connection
  reading_ = false;
  if (!records) {
    fail(records.error());
  } else if (records->empty()) {
    fail({errc::journal_damaged,
          "the journal did not yield " + number(tail_.sequence + 1) + " although it has more"});
  } else if (position_wanted_) {
    auto header = records->front().decoded();
    if (!header || header->sequence != position_wanted_->sequence)
      fail({errc::journal_damaged,
            "the journal yielded something else than " + number(position_wanted_->sequence)});
    else if (records->front().hash != position_wanted_->hash)
      fail({errc::journal_forked,
            "the destination holds another " + number(header->sequence) + " than this till"});
    else
      positioned(*position_wanted_);
  } else {
    send_batch(std::move(*records));
  }
  return finish();
}

void forward_machine::send_batch(std::vector<base::record> records) {
  sync::append message;
  message.previous = tail_.hash;
  message.first = tail_.sequence + 1;
  // The till checks its own chain first: rot on its disk is named here, with its number, instead of being
  // central's riddle.
  base::chain_follower follower(identity_.till, tail_);
  for (auto& r : records)
    if (auto taken = follower.take(r); !taken) return fail({errc::journal_damaged, taken.error().detail});
  message.records = std::move(records);
  auto octets = sync::encode_frame(frame_type::append, last_request_ + 1, message.encode());
  if (!octets) return fail(octets.error());
  tail_ = follower.head();
  in_flight_.push_back({++last_request_, tail_, now_.monotonic_ms});
  sent_ms_ = now_.monotonic_ms;
  out_.emplace_back(forward_action::send{frame_type::append, std::move(*octets)});
  pump();
}

void forward_machine::pump() {
  if (phase_ != phase::streaming || reading_) return;
  if (in_flight_.size() >= settings_.batches_in_flight_max || tail_.sequence >= journal_.sequence) return;
  reading_ = true;
  out_.emplace_back(forward_action::read{++last_read_, tail_.sequence + 1, settings_.batch_records_max,
                                         settings_.batch_octets_max});
}

void forward_machine::remember(const sync::acknowledgement& a) {
  sync::witness w{central_key_, a};
  status_.acknowledged = a.head;
  status_.central_sequence = a.central_sequence;
  status_.central_hash = a.central_hash;
  if (witness_ == w) return;
  witness_ = w;
  // One write at a time; of those that come meanwhile only the last matters.
  if (storing_) {
    store_next_ = w;
    return;
  }
  store(w);
}

void forward_machine::store(const sync::witness& w) {
  storing_ = true;
  store_again_at_ms_ = 0;
  out_.emplace_back(forward_action::store{w});
}

forward_steps forward_machine::witness_stored(moment now, const base::result<>& outcome) {
  now_ = now;
  storing_ = false;
  if (outcome) {
    store_failures_ = 0;
  } else {
    tell(store_failures_++ == 0 ? log_level::warning : log_level::debug,
         "The destination's acknowledgement could not be stored; it is tried again", outcome.error());
  }
  if (auto next = std::exchange(store_next_, {}))
    store(*next);
  else if (!outcome)
    store_again_at_ms_ = now.monotonic_ms + retry_delay(store_failures_, false);
  return finish();
}

forward_steps forward_machine::wake(moment now) {
  now_ = now;
  timer_ms_ = 0;
  if (!started_) return finish();
  if (store_again_at_ms_ != 0 && now.monotonic_ms >= store_again_at_ms_) store(*witness_);
  if (now.monotonic_ms < deadline_of_phase()) return finish();
  switch (phase_) {
    case phase::waiting:
      phase_ = phase::connecting;
      phase_since_ms_ = now.monotonic_ms;
      out_.emplace_back(forward_action::connect{});
      break;
    case phase::connecting:
    case phase::greeting:
    case phase::proving: fail({errc::central_unreachable, "no answer in time while connecting"}); break;
    case phase::positioning:
    case phase::streaming:
      if (!in_flight_.empty() && now.monotonic_ms >= in_flight_.front().sent_ms + settings_.answer_ms_max) {
        fail({errc::central_unreachable, "no answer in time to a batch"});
      } else if (ping_request_ != 0) {
        fail({errc::central_unreachable, "no answer in time to a sign of life"});
      } else {
        ping_request_ = ++last_request_;
        ping_ms_ = now.monotonic_ms;
        ask(frame_type::ping, ping_request_, {});
      }
  }
  return finish();
}

forward_steps forward_machine::retry_now(moment now) {
  now_ = now;
  if (started_ && phase_ == phase::waiting) retry_at_ms_ = now.monotonic_ms;
  return finish();
}

void forward_machine::ask(frame_type type, std::uint64_t request, base::byte_view payload) {
  auto octets = sync::encode_frame(type, request, payload);
  if (!octets) return fail(octets.error());
  sent_ms_ = now_.monotonic_ms;
  out_.emplace_back(forward_action::send{type, std::move(*octets)});
}

void forward_machine::tell(log_level level, std::string sentence, std::optional<error> why) {
  out_.emplace_back(forward_action::tell{level, std::move(sentence), std::move(why)});
}

void forward_machine::fail(error why) { fail(std::move(why), false); }

void forward_machine::fail(error why, bool slow) {
  if (phase_ == phase::waiting) return;
  slow = slow || needs_a_person(why.code);
  // A connection that held for a while was a good one, even if there was nothing to send.
  if (welcomed() && now_.monotonic_ms - phase_since_ms_ >= settings_.retry_ms_max) failures_ = 0;
  ++failures_;
  bool first_of_its_kind = !status_.last_error || status_.last_error->code != why.code || status_.connected;
  tell(!first_of_its_kind ? log_level::debug
       : slow             ? log_level::error
                          : log_level::warning,
       slow ? "Records do not reach the destination until a person acts; it is tried again slowly"
            : "No connection to the destination; it is tried again",
       why);
  // A try that fails is no new state: a person wants to know when the outage began.
  if (status_.connected) status_.since_unix_ms = now_.unix_ms;
  status_.connected = false;
  status_.last_error_unix_ms = now_.unix_ms;
  status_.last_error = why;
  if (slow)
    status_.stopped_for_a_person = std::move(why);
  else
    status_.stopped_for_a_person.reset();
  in_flight_.clear();
  reading_ = false;
  standing_.reset();
  position_wanted_.reset();
  auto delay = retry_delay(failures_, slow);
  retry_at_ms_ = now_.monotonic_ms + delay;
  status_.next_try_unix_ms = now_.unix_ms + static_cast<std::int64_t>(delay);
  phase_ = phase::waiting;
  out_.emplace_back(forward_action::close{});
}

// Between half and the whole of a time that doubles with every failure.
std::uint64_t forward_machine::retry_delay(std::uint32_t failures, bool slow) {
  auto whole = slow ? settings_.retry_ms_slow
                    : std::min(settings_.retry_ms_max, settings_.retry_ms_min << std::min(failures - 1, 20u));
  return whole / 2 + ((whole - whole / 2) * now_.jitter >> 32);
}

std::uint64_t forward_machine::deadline() const {
  auto at = deadline_of_phase();
  return store_again_at_ms_ == 0 ? at : std::min(at, store_again_at_ms_);
}

std::uint64_t forward_machine::deadline_of_phase() const {
  switch (phase_) {
    case phase::waiting: return retry_at_ms_;
    case phase::connecting: return phase_since_ms_ + settings_.connect_ms_max;
    case phase::greeting:
    case phase::proving: return phase_since_ms_ + settings_.answer_ms_max;
    case phase::positioning:
    case phase::streaming: break;
  }
  auto at = ping_request_ ? ping_ms_ + settings_.answer_ms_max : sent_ms_ + settings_.ping_after_ms;
  return in_flight_.empty() ? at : std::min(at, in_flight_.front().sent_ms + settings_.answer_ms_max);
}

forward_steps forward_machine::finish() {
  if (started_) {
    auto at = deadline();
    if (at != timer_ms_) {
      timer_ms_ = at;
      out_.emplace_back(forward_action::set_timer{at});
    }
  }
  return std::exchange(out_, {});
}

}  // namespace tilld::daemon
