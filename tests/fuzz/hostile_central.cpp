// The till's side of the sync protocol against a central that says anything at any time.
#include <algorithm>

#include "base/crypto.hpp"
#include "daemon/forward/forward_machine.hpp"
#include "tests/fuzz/target.hpp"

namespace tilld::fuzz {
namespace {

namespace sync = wire::sync;
namespace action = daemon::forward_action;
using sync::frame_type;

// Quick, and still wrong for another key or text.
struct cheap_signatures final : daemon::signatures {
  base::signature sign(base::byte_view text) const override { return made({}, text); }
  bool verify(const base::public_key& by, base::byte_view text, const base::signature& s) const override {
    return made(by, text) == s;
  }
  static base::signature made(const base::public_key& by, base::byte_view text) {
    auto h = base::sha256({by, text});
    base::signature s{};
    std::copy(h.begin(), h.end(), s.begin());
    return s;
  }
};

class till {
 public:
  explicit till(dice& from) : from_(from), machine_(settings(), identity(), keys_) {
    write(3);
    run(machine_.start(now_, std::nullopt, {}, head_));
  }

  void step() {
    now_.monotonic_ms += from_.octet() * 100;
    now_.jitter = from_.octet();
    switch (from_.up_to(11)) {
      case 0: run(machine_.connected(now_, sync::nonce{})); break;
      case 1: run(machine_.disconnected(now_, {base::errc::central_unreachable, "gone"})); break;
      case 2: say(frame_type::challenge, greeting_, challenge()); break;
      case 3: say(frame_type::welcome, greeting_, welcome()); break;
      case 4: say(frame_type::appended, request(), acknowledgement().encode()); break;
      case 5: say(frame_type::refusal, request(), refusal()); break;
      case 6: say(static_cast<frame_type>(from_.octet()), from_.number(), rest(from_.text())); break;
      case 7: answer_read(); break;
      case 8:
        if (storing_) {
          storing_ = false;
          run(machine_.witness_stored(now_, {}));
        }
        break;
      case 9: run(machine_.wake(now_)); break;
      case 10:
        write(1 + from_.up_to(2));
        run(machine_.journal_grew(now_, head_));
        break;
      default: run(machine_.retry_now(now_));
    }
    auto& status = machine_.status();
    demand(status.acknowledged.sequence <= journal_.size(), "nothing is acknowledged that was never written");
    if (status.acknowledged.sequence > 0)
      demand(status.acknowledged.hash == journal_[status.acknowledged.sequence - 1].hash,
             "what is acknowledged is this journal's record");
    demand(!status.connected || machine_.welcomed(), "connected is who was welcomed");
  }

 private:
  static daemon::forward_settings settings() {
    daemon::forward_settings s;
    s.destination = "head-office";
    s.batch_records_max = 3;
    return s;
  }
  static daemon::till_identity identity() {
    daemon::till_identity i;
    i.merchant = "shop";
    i.till = "till-1";
    i.start_counter = 1;
    return i;
  }
  static base::byte_string rest(std::string_view text) { return {text.begin(), text.end()}; }

  void write(std::size_t count) {
    for (; count > 0 && journal_.size() < 60; --count) {
      base::record_header h;
      h.sequence = journal_.size() + 1;
      h.till = "till-1";
      h.kind = "sale";
      h.body_size = 2;
      base::record r{base::encode(h), {}, "{}"};
      r.hash = base::record_hash(head_.hash, r.header, base::as_bytes(r.body));
      head_ = {1, h.sequence, r.hash};
      journal_.push_back(std::move(r));
    }
  }

  // A head that central might claim: a true one mostly.
  base::chain_head claimed() {
    auto how = from_.octet();
    std::uint64_t n = how & 1 ? from_.number() : from_.up_to(journal_.size());
    base::chain_head h{1, n, {}};
    if (n > 0 && n <= journal_.size()) h.hash = journal_[n - 1].hash;
    if ((how & 6) == 6) h.hash[0] ^= 1;
    return h;
  }
  base::public_key key() {
    base::public_key k{};
    k[0] = static_cast<std::uint8_t>(from_.up_to(1));
    return key_ = k;
  }
  sync::acknowledgement acknowledgement() {
    sync::acknowledgement a;
    a.head = claimed();
    a.central_sequence = from_.up_to(20);
    a.signature = cheap_signatures::made(key_, a.signed_text("till-1"));
    if (from_.up_to(15) == 15) a.signature[0] ^= 1;
    return a;
  }
  base::byte_string challenge() {
    sync::challenge c;
    c.central_key = key();
    c.signature =
        cheap_signatures::made(c.central_key, sync::challenge_text(hello_, c.central_nonce, c.central_key));
    if (from_.up_to(15) == 15) c.signature[0] ^= 1;
    return c.encode();
  }
  base::byte_string welcome() {
    sync::welcome w;
    w.standing = acknowledgement();
    w.protocol = static_cast<std::uint8_t>(from_.up_to(15) == 15 ? 2 : 1);
    return w.encode();
  }
  base::byte_string refusal() {
    sync::refusal r;
    r.code =
        from_.octet() & 1
            ? static_cast<int>(base::errc::record_gap)
            : static_cast<int>(base::error_registry()[from_.octet() % base::error_registry().size()].code);
    if (from_.octet() & 1) r.head = claimed();
    return r.encode();
  }
  std::uint64_t request() { return from_.octet() & 1 ? last_request_ - from_.up_to(3) : last_request_; }

  void say(frame_type type, std::uint64_t id, base::byte_string payload) {
    if (!open_) return;
    sync::frame f;
    f.type = type;
    f.request = id;
    f.payload = std::move(payload);
    run(machine_.frame_arrived(now_, f));
  }

  void answer_read() {
    if (reads_.empty()) return;
    auto asked = reads_.front();
    reads_.erase(reads_.begin());
    demand(asked.from > 0 && asked.from <= journal_.size() && asked.count_max > 0, "what is read is there");
    std::vector<base::record> found;
    for (auto n = asked.from; n < asked.from + asked.count_max && n <= journal_.size(); ++n)
      found.push_back(journal_[n - 1]);
    run(machine_.records_read(now_, asked.id, std::move(found)));
  }

  void run(const daemon::forward_steps& steps) {
    demand(steps.size() < 100, "an event has few consequences");
    for (auto& step : steps) {
      if (std::get_if<action::connect>(&step)) open_ = false;
      if (std::get_if<action::close>(&step)) open_ = false;
      if (auto* s = std::get_if<action::read>(&step)) reads_.push_back(*s);
      if (auto* s = std::get_if<action::store>(&step)) {
        demand(!storing_, "one witness is stored at a time");
        storing_ = true;
        demand(s->witness.last.head.sequence <= journal_.size(),
               "no witness is kept of what was never written");
      }
      if (auto* s = std::get_if<action::send>(&step)) sent(*s);
    }
  }

  void sent(const action::send& what) {
    sync::frame_reader reader(sync::frame_reader::for_peers);
    reader.feed(what.octets);
    auto f = reader.next();
    demand(f && *f, "what is sent is a frame");
    last_request_ = (*f)->request;
    if ((*f)->type == frame_type::hello) {
      hello_ = sync::hello::parse((*f)->payload).value();
      greeting_ = last_request_;
      open_ = true;
    }
    if ((*f)->type != frame_type::append) return;
    demand(machine_.welcomed(), "records go to nobody who did not prove who it is");
    auto batch = sync::append::parse((*f)->payload);
    demand(batch.has_value() && !batch->records.empty(), "a batch holds records");
    for (std::size_t i = 0; i < batch->records.size(); ++i)
      demand(batch->records[i].hash == journal_.at(batch->first + i - 1).hash,
             "a batch is a part of the journal");
  }

  dice& from_;
  cheap_signatures keys_;
  daemon::forward_machine machine_;
  daemon::moment now_{1'000, 1'700'000'000'000, 0};
  std::vector<base::record> journal_;
  base::chain_head head_;
  sync::hello hello_;
  base::public_key key_{};
  std::uint64_t greeting_ = 0, last_request_ = 0;
  std::vector<action::read> reads_;
  bool storing_ = false, open_ = false;
};

// Whatever central says in whatever order: nothing counts as acknowledged that the journal does not have,
// records go only to who proved who it is, and batches are parts of the journal.
void eat(std::string_view octets) {
  dice from(octets);
  till t(from);
  for (int i = 0; i < 300 && !from.empty(); ++i) t.step();
}

const target hostile_central{"hostile_central", eat};

}  // namespace
}  // namespace tilld::fuzz
