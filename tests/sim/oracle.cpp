#include "tests/sim/oracle.hpp"

#include "base/crypto.hpp"
#include "wire/json_rpc.hpp"

namespace tilld::sim {
namespace {

std::string number(std::uint64_t n) { return std::to_string(n); }

// The value of a member that is a text without escapes, as this simulation writes them.
std::string text_member(std::string_view json, std::string_view name) {
  auto raw = wire::raw_member(json, name);
  return raw.size() >= 2 ? std::string(raw.substr(1, raw.size() - 2)) : std::string();
}

std::string number_member(std::string_view json, std::string_view name) {
  return std::string(wire::raw_member(json, name));
}

}  // namespace

void oracle::submitted(const used_key& key, const std::string& params) { submitted_[key].insert(params); }

void oracle::answered(const used_key& key, const std::string& params, const std::string& text) {
  // A disk that was set back forgets keys, and whoever put it there knows.
  if (is_forked(key.till)) return;
  auto [at, first] = answers_.try_emplace(key, first_answer{params, text});
  if (first) return;
  if (at->second.params != params)
    world_.broken("INV-5 every answer for a key is the same",
                  key.text() + " was answered for " + at->second.params + " and for " + params);
  else if (at->second.text != text)
    world_.broken("INV-5 every answer for a key is the same",
                  key.text() + " was answered " + at->second.text + " and " + text);
}

void oracle::acted(const used_key& key) {
  if (++acts_[key] > 1 && !is_forked(key.till))
    world_.broken("INV-2 no key is applied twice", "the device acted twice for " + key.text());
}

void oracle::promised(const std::string& central, const std::string& till, const base::chain_head& head) {
  if (head.sequence > 0) promises_[{central, till}][head.sequence] = head.hash;
}

std::map<used_key, std::uint64_t> oracle::sales_in(const std::string& where, const std::string& till,
                                                   const std::vector<const base::record*>& records) {
  std::map<used_key, std::uint64_t> sales;
  base::hash256 before{};
  std::uint64_t sequence = 0;
  for (auto* r : records) {
    auto header = base::decode_record_header(r->header);
    ++sequence;
    if (!header || header->sequence != sequence || header->till != till) {
      world_.broken("INV-3 numbers without gaps", where + " has something else where record " +
                                                      number(sequence) + " of " + till + " was due");
      return sales;
    }
    // The rule of docs/journal-format.md, written down once more.
    auto body = base::sha256({base::as_bytes(r->body)});
    auto hash = base::sha256({base::as_bytes("tilld.journal.1"), before, r->header, body});
    if (hash != r->hash) {
      world_.broken("INV-3 the chain holds", "record " + number(sequence) + " of " + till + " at " + where);
      return sales;
    }
    before = hash;
    if (header->kind != "sale") continue;
    auto params = std::string(wire::raw_member(r->body, "sale"));
    used_key key{till, text_member(r->body, "principal"), "sale.record",
                 text_member(params, "idempotency_key")};
    auto known = submitted_.find(key);
    if (known == submitted_.end() || !known->second.count(params))
      world_.broken("INV-4 nothing is applied that was not submitted",
                    "record " + number(sequence) + " of " + till + " at " + where + ": " + r->body);
    if (!sales.emplace(std::move(key), sequence).second)
      world_.broken("INV-2 no key is applied twice", "record " + number(sequence) + " of " + till + " at " +
                                                         where + " is a second one: " + params);
  }
  return sales;
}

void oracle::judge_journal(const std::string& till, const std::vector<base::record>& journal, bool alone) {
  std::vector<const base::record*> records;
  for (auto& r : journal) records.push_back(&r);
  auto sales = sales_in("its own disk", till, records);
  if (is_forked(till) || !alone) return;
  for (auto& [key, answer] : answers_) {
    if (key.till != till || key.method != "sale.record") continue;
    auto at = sales.find(key);
    if (at == sales.end())
      world_.broken("INV-1 what was acknowledged is applied",
                    key.text() + " was answered " + answer.text + " and is not in the journal");
    else if (number_member(answer.text, "sequence") != number(at->second))
      world_.broken("INV-1 what was acknowledged is applied",
                    key.text() + " was answered " + answer.text + " and is record " + number(at->second));
    else if (wire::raw_member(journal[at->second - 1].body, "sale") != answer.params)
      world_.broken("INV-4 amounts unchanged", key.text() + " is " + journal[at->second - 1].body);
  }
  for (auto& [key, answer] : answers_) {
    if (key.till != till || key.method == "sale.record") continue;
    auto at = acts_.find(key);
    if (at == acts_.end())
      world_.broken("INV-1 what was acknowledged is applied",
                    key.text() + " was answered " + answer.text + " and the device did nothing");
  }
}

void oracle::judge_central(const std::string& central, const std::vector<central::stored_entry>& entries,
                           const central::own_head& own,
                           const std::map<std::string, central::standing>& standings) {
  base::hash256 before{};
  std::uint64_t sequence = 0;
  std::map<std::string, std::vector<const base::record*>> records;
  std::set<std::string> in_quarantine;
  for (auto& e : entries) {
    ++sequence;
    // The rule of central/chain.hpp, written down once more.
    std::array<std::uint8_t, 41> fixed{};
    base::store_big(fixed.data(), sequence);
    fixed[8] = static_cast<std::uint8_t>(e.kind);
    std::copy(e.till.begin(), e.till.end(), fixed.begin() + 9);
    bool is_record = e.kind == central::entry_kind::record;
    auto content = is_record ? base::byte_view(e.record.hash) : base::as_bytes(e.text);
    auto hash = base::sha256({base::as_bytes("tilld.central.1"), before, fixed, content});
    if (e.place.sequence != sequence || e.place.hash != hash) {
      world_.broken("INV-3 central's own chain holds", central + ", entry " + number(sequence));
      return;
    }
    before = hash;
    if (is_record) records[e.till].push_back(&e.record);
    if (e.kind == central::entry_kind::quarantined) in_quarantine.insert(e.till);
    if (is_record && in_quarantine.count(e.till))
      world_.broken("INV-3 a fork stays outside", central + " took entry " + number(sequence) + " of " +
                                                      e.till + " after it had put it into quarantine");
  }
  if (own.sequence != sequence || own.hash != before)
    world_.broken(
        "INV-3 central's own chain holds",
        central + " says that it ends with " + number(own.sequence) + ", it has " + number(sequence));
  for (auto& [till, all] : records) {
    sales_in(central, till, all);
    auto at = standings.find(till);
    if (at == standings.end() || at->second.head.sequence != all.size() ||
        at->second.head.hash != all.back()->hash)
      world_.broken("INV-3 central knows where it stands", central + " with " + till);
  }
  for (auto& [pair, heads] : promises_) {
    if (pair.first != central || (set_back_.count(central) && is_forked(pair.second))) continue;
    auto& all = records[pair.second];
    for (auto& [at, hash] : heads)
      if (at > all.size() || all[at - 1]->hash != hash)
        world_.broken(
            "INV-1 what was acknowledged is applied",
            central + " signed that it holds record " + number(at) + " of " + pair.second + " and does not");
  }
}

void oracle::judge_pair(const std::string& till, const std::vector<base::record>& journal,
                        const std::string& central, const std::vector<central::stored_entry>& entries,
                        bool alarmed, const std::string& alarm) {
  std::uint64_t sequence = 0;
  std::string differs;
  for (auto& e : entries) {
    if (e.till != till || e.kind != central::entry_kind::record) continue;
    if (sequence >= journal.size() || journal[sequence].hash != e.record.hash ||
        journal[sequence].body != e.record.body) {
      differs = "they differ at record " + number(sequence + 1);
      break;
    }
    ++sequence;
  }
  if (differs.empty() && sequence < journal.size())
    differs = "it holds " + number(sequence) + " of " + number(journal.size()) + " records";
  if (!is_forked(till) && alarmed)
    world_.broken("no false alarm", till + " at " + central + ": " + alarm);
  else if (!differs.empty() && !alarmed)
    world_.broken(is_forked(till) ? "INV-3 a fork is noticed" : "INV-6 when faults end everything drains",
                  till + " at " + central + ": " + differs + " (" + alarm + ")");
}

}  // namespace tilld::sim
