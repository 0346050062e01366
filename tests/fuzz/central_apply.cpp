// What central takes in: any sequence of greetings and batches of two tills, one of them a liar, beside a
// model that knows what a journal is.
#include <algorithm>

#include "central/apply_machine.hpp"
#include "tests/fuzz/target.hpp"
#include "wire/sync_frame.hpp"

namespace tilld::fuzz {
namespace {

namespace sync = wire::sync;
namespace decision = central::decision;

constexpr std::size_t journal_max = 40;

base::public_key key_of(std::uint8_t n) {
  base::public_key k{};
  k[0] = n;
  return k;
}

// A till's journal as the till has it, and what central should hold of it.
struct model_till {
  std::string name;
  std::uint8_t number = 0;
  std::vector<base::record> journal;
  std::vector<base::hash256> held;  // by central, from record 1 on

  base::chain_head head_at(std::size_t n) const {
    if (n == 0) return {};
    return {1, n, journal[n - 1].hash};
  }
  void write(std::string_view body) {
    if (journal.size() == journal_max) return;
    base::record_header h;
    h.sequence = journal.size() + 1;
    h.till = name;
    h.kind = "sale";
    h.body_size = static_cast<std::uint32_t>(body.size());
    base::record r{base::encode(h), {}, std::string(body)};
    r.hash = base::record_hash(head_at(journal.size()).hash, r.header, base::as_bytes(body));
    journal.push_back(std::move(r));
  }
};

class shop {
 public:
  shop() : machine_({sync::role::ledger, "central", 2'000}, listed()) {
    tills_[0].name = "till-1";
    tills_[1].name = "till-2";
    for (std::uint8_t n = 0; n < 2; ++n) tills_[n].number = n;
  }

  void step(dice& from) {
    auto& till = tills_[from.up_to(1)];
    central::connection_id connection = from.up_to(3);
    now_.monotonic_ms += from.octet() * 20;
    switch (from.up_to(8)) {
      case 0: till.write(from.text()); break;
      case 1: greet(till, connection, from); break;
      case 2:
      case 3:
      case 4: append(till, connection, from); break;
      case 5:
        take(machine_.pong(now_, connection, sync::central_request_bit | from.up_to(4)), nullptr, till);
        break;
      case 6: take(machine_.lost(now_, connection), nullptr, till); break;
      case 7: take(machine_.tick(now_), nullptr, till); break;
      default:
        if (auto released = machine_.release(now_, till.name, "looked at it", "unix:0"))
          take(*released, nullptr, till);
    }
    for (auto& t : tills_) {
      auto standing = machine_.standing_of(t.name);
      demand(standing.head.sequence == t.held.size(), "central holds what it kept");
      demand(t.held.empty() || standing.head.hash == t.held.back(), "central's head is what it kept last");
    }
    demand(machine_.own() == own_, "central's chain is what was kept");
  }

 private:
  static std::map<std::string, central::listing> listed() {
    return {{"till-1", {"shop", "main", key_of(0), 1}}, {"till-2", {"shop", "main", key_of(1), 1}}};
  }

  void greet(model_till& till, central::connection_id connection, dice& from) {
    sync::hello h;
    h.merchant = "shop";
    h.till = till.name;
    auto lie = from.octet();
    h.key = key_of(lie & 1 ? 9 : till.number);
    h.head = till.head_at(lie & 2 ? from.up_to(till.journal.size()) : till.journal.size());
    if (lie & 4) h.head.hash[5] ^= 1;
    if (lie & 8) h.head.epoch = 2;
    h.start_counter = from.up_to(4);
    h.instance[0] = static_cast<std::uint8_t>(from.up_to(2));
    central::held_evidence evidence;
    if (lie & 16) {
      h.last.emplace();
      h.last->head = till.head_at(from.up_to(till.journal.size()));
      h.last->central_sequence = from.up_to(own_.sequence + 1);
      evidence.last_is_ours = lie & 32;
      auto n = h.last->head.sequence;
      if (n > 0 && n <= till.held.size()) evidence.record_at_last = till.held[n - 1];
    }
    auto out = machine_.greeted(now_, connection, 1, h, evidence);
    if (lie & 1)
      for (auto& d : out) demand(!std::get_if<decision::admit>(&d), "nobody comes in with another's key");
    take(out, nullptr, till);
  }

  void append(model_till& till, central::connection_id connection, dice& from) {
    if (till.journal.empty()) return;
    sync::append batch;
    auto first = 1 + from.up_to(till.journal.size() - 1), count = from.up_to(8);
    batch.first = first;
    batch.previous = till.head_at(first - 1).hash;
    for (std::size_t i = first; i < first + count && i <= till.journal.size(); ++i)
      batch.records.push_back(till.journal[i - 1]);
    auto lie = from.octet();
    if (lie & 1) batch.first += from.octet();
    if (lie & 2) batch.previous[0] ^= 1;
    if (lie & 4 && !batch.records.empty()) {
      auto& r = batch.records[from.up_to(batch.records.size() - 1)];
      auto bit = from.up_to(3);
      if (bit == 0) r.header[10] ^= 1;
      if (bit == 1) r.hash[0] ^= 1;
      if (bit == 2) r.body += "x";
      if (bit == 3) r = till.journal[from.up_to(till.journal.size() - 1)];
    }
    if (lie & 8 && !batch.records.empty()) batch.records.push_back(batch.records.front());
    std::vector<base::hash256> held;
    if (batch.first > 0 && batch.first <= till.held.size())
      held.assign(till.held.begin() + static_cast<std::ptrdiff_t>(batch.first) - 1, till.held.end());
    auto* admitted = machine_.till_of(connection);
    auto whose = admitted ? *admitted : std::string();
    auto out = machine_.append(now_, connection, 5, batch, held);
    // The store looks by the till of the connection, so another till's overlap is not asked for here.
    if (whose != till.name)
      for (auto& d : out)
        demand(!std::get_if<decision::keep_records>(&d), "nothing is kept for another till");
    take(out, &batch, till);
  }

  void next_own(const central::own_head& entry) {
    demand(entry.sequence == own_.sequence + 1, "central's chain has no gap");
    own_ = entry;
  }

  // What the intake would store.
  void take(const central::apply_decisions& all, const sync::append* batch, model_till& till) {
    for (auto& one : all) {
      if (auto* d = std::get_if<decision::keep_records>(&one)) {
        demand(batch && d->till == till.name, "records are kept where they came from");
        for (std::size_t i = 0; i < d->entries.size(); ++i) {
          auto& r = batch->records.at(d->skip + i);
          demand(till.held.size() < till.journal.size(), "no record is kept that no journal has");
          auto& true_one = till.journal[till.held.size()];
          demand(r.hash == true_one.hash && r.header == true_one.header && r.body == true_one.body,
                 "a record is kept once, in order and as the till wrote it");
          till.held.push_back(r.hash);
          next_own(d->entries[i]);
        }
      }
      if (auto* d = std::get_if<decision::keep_event>(&one)) next_own(d->entry);
      if (auto* d = std::get_if<decision::acknowledge>(&one)) {
        demand(d->till == till.name && d->what.head.sequence == till.held.size(),
               "what is acknowledged is what is kept");
        demand(d->what.central_sequence == own_.sequence && d->what.central_hash == own_.hash,
               "an acknowledgement names central's own head");
      }
    }
  }

  central::apply_machine machine_;
  central::moment now_{1'000, 1'700'000'000'000};
  model_till tills_[2];
  central::own_head own_;
};

// Whatever a till says in whatever order: a record is kept once, in order, as its journal has it, and
// acknowledged only when it is kept; central's own chain has no gap.
void eat(std::string_view octets) {
  dice from(octets);
  shop s;
  for (int i = 0; i < 300 && !from.empty(); ++i) s.step(from);
}

const target central_apply{"central_apply", eat};

}  // namespace
}  // namespace tilld::fuzz
