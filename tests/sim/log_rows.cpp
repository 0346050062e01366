// In the place of daemon/store/rows.cpp: the rows of a till as tables of a log_disk.
#include <algorithm>

#include <boost/json.hpp>

#include "base/step.hpp"
#include "daemon/store/rows.hpp"
#include "tests/sim/log_disk.hpp"
#include "tests/sim/mutants.hpp"

namespace tilld::daemon {

using base::byte_string;
using base::byte_view;
using base::errc;
using base::error;
using base::result;
using sim::is;
using sim::joined_key;
using sim::log_disk;
using sim::mutant;
using sim::number_key;
using sim::table;

journal_entry unknown_note(const operation_row& row) {
  boost::json::object body{
      {"operation_id", row.id.text()}, {"method", row.key.method}, {"device", row.device}};
  return {"operation.unknown", boost::json::serialize(body), std::nullopt};
}

struct rows::statements {
  log_disk& disk;
};

namespace {

struct journal_row {
  base::record record;
  std::int64_t happened_ms = 0;
  std::optional<money_total> total;  // of all records up to this one, in the currency of this one
};

struct witness_row {
  byte_string witness;
  std::uint64_t sequence = 0;
};

error gone() { return {errc::storage_failed, "the process is dead"}; }

std::string key_of(const operation_key& k) { return joined_key({k.principal, k.method, k.key}); }

std::string key_of(const base::uuid& id) { return std::string(base::as_text(id.octets)); }

template <class Row>
std::shared_ptr<const void> kept(Row value) {
  return std::make_shared<const Row>(std::move(value));
}

}  // namespace

rows::rows(base::database& db, base::seal_keys& seals, std::string till, const base::clock& clock)
    : db_(db),
      seals_(seals),
      till_(std::move(till)),
      clock_(clock),
      sql_(new statements{log_disk::of(db.path())}) {}

result<std::unique_ptr<rows>> rows::open(base::database& db, base::seal_keys& seals, std::string till,
                                         const base::clock& clock) {
  std::unique_ptr<rows> r(new rows(db, seals, std::move(till), clock));
  if (auto done = r->load_end(); !done) return done.error();
  return r;
}

result<> rows::load_end() {
  auto last = last_record();
  if (!last) return last.error();
  if (!*last) return {};
  auto header = (*last)->decoded();
  if (!header) return header.error();
  end_.head = base::chain_head{header->epoch, header->sequence, (*last)->hash};
  if (is(mutant::chain_forgotten_at_start)) end_.head.hash = {};
  if (is(mutant::numbers_by_count_at_start)) end_.head.sequence = sql_->disk.rows_of(table::operation).size();
  auto totals = totals_at(end_.head.sequence);
  if (!totals) return totals.error();
  end_.totals = std::move(*totals);
  return {};
}

result<std::optional<base::record>> rows::last_record() {
  auto& all = sql_->disk.rows_of(table::journal);
  if (all.empty()) return std::optional<base::record>();
  return std::optional(static_cast<const journal_row*>(all.rbegin()->second.get())->record);
}

result<base::record_header> rows::append(const journal_entry& entry) {
  if (sql_->disk.ghost()) return gone();
  base::record_header h;
  h.epoch = end_.head.epoch;
  h.sequence = end_.head.sequence + 1;
  h.happened = clock_.now();
  h.id = base::uuid::v7(h.happened.unix_ms);
  h.till = till_;
  h.kind = entry.kind;
  h.body_size = static_cast<std::uint32_t>(entry.body.size());
  journal_row r{{encode(h), {}, entry.body}, h.happened.unix_ms, std::nullopt};
  r.record.hash = base::record_hash(end_.head.hash, r.record.header, base::as_bytes(entry.body));
  if (entry.amount) {
    auto same = [&](auto& t) { return t.currency == entry.amount->currency; };
    auto at = std::find_if(end_.totals.begin(), end_.totals.end(), same);
    auto& total =
        at != end_.totals.end() ? *at : end_.totals.emplace_back(money_total{entry.amount->currency, 0, 0});
    total.minor += entry.amount->minor;
    ++total.count;
    r.total = total;
  }
  end_.head = base::chain_head{h.epoch, h.sequence, r.record.hash};
  if (!end_.first_new_ms) end_.first_new_ms = h.happened.unix_ms;
  sql_->disk.put(table::journal, number_key(h.sequence), kept(std::move(r)));
  base::reach(base::step::record_written);
  return h;
}

result<std::vector<base::record>> rows::read(std::uint64_t from, std::uint64_t count_max,
                                             std::size_t octets_max) {
  if (sql_->disk.ghost()) return gone();
  std::vector<base::record> found;
  std::size_t octets = 0;
  auto& all = sql_->disk.rows_of(table::journal);
  for (auto at = all.lower_bound(number_key(from)); at != all.end() && found.size() < count_max; ++at) {
    auto& next = static_cast<const journal_row*>(at->second.get())->record;
    octets += next.wire_size();
    if (!found.empty() && octets > octets_max) break;
    found.push_back(next);
  }
  return found;
}

result<std::optional<std::int64_t>> rows::happened_ms(std::uint64_t sequence) {
  auto* r = sql_->disk.find<journal_row>(table::journal, number_key(sequence));
  return r ? std::optional(r->happened_ms) : std::nullopt;
}

result<std::vector<money_total>> rows::totals_at(std::uint64_t sequence) {
  // The simulated shops sell in one currency, so the last record with an amount knows all.
  auto& all = sql_->disk.rows_of(table::journal);
  auto at = all.upper_bound(number_key(sequence));
  while (at != all.begin())
    if (auto& total = static_cast<const journal_row*>((--at)->second.get())->total)
      return std::vector<money_total>{*total};
  return std::vector<money_total>();
}

result<operation_row> rows::read_operation(base::statement&) { return gone(); }

result<std::optional<operation_row>> rows::find_operation(const operation_key& key) {
  if (sql_->disk.ghost()) return gone();
  auto* r = sql_->disk.find<operation_row>(table::operation, key_of(key));
  return r ? std::optional(*r) : std::nullopt;
}

result<std::optional<operation_row>> rows::find_operation(const base::uuid& id) {
  if (sql_->disk.ghost()) return gone();
  auto* key = sql_->disk.find<operation_key>(table::operation_id, key_of(id));
  return key ? find_operation(*key) : std::optional<operation_row>();
}

result<> rows::put_operation(const operation_row& given, bool) {
  auto& disk = sql_->disk;
  if (disk.ghost()) return gone();
  if (auto* before = disk.find<operation_row>(table::operation, key_of(given.key));
      before && before->id != given.id)
    disk.put(table::operation_id, key_of(before->id), nullptr);
  disk.put(table::operation_id, key_of(given.id), kept(given.key));
  disk.put(table::operation, key_of(given.key), kept(given));
  if (given.state == operation_state::unknown) end_.operations_became_unknown = true;
  base::reach(base::step::key_written);
  return {};
}

result<std::vector<operation_row>> rows::unknown_operations(int count_max) {
  std::vector<operation_row> found;
  for (auto& [key, value] : sql_->disk.rows_of(table::operation)) {
    auto& r = *static_cast<const operation_row*>(value.get());
    if (r.state == operation_state::unknown && found.size() < static_cast<std::size_t>(count_max))
      found.push_back(r);
  }
  return found;
}

result<std::uint64_t> rows::count_unknown() {
  auto all = unknown_operations(1 << 30);
  return all->size();
}

result<std::vector<operation_row>> rows::mark_running_as_unknown() {
  std::vector<operation_row> found;
  for (auto& [key, value] : sql_->disk.rows_of(table::operation)) {
    auto& r = *static_cast<const operation_row*>(value.get());
    if (r.state == operation_state::running) found.push_back(r);
  }
  for (auto& r : found) {
    r.state = operation_state::unknown;
    r.changed_ms = clock_.unix_ms();
    if (auto done = put_operation(r); !done) return done.error();
  }
  return found;
}

result<std::optional<byte_string>> rows::find_witness(const std::string& destination,
                                                      std::uint64_t& sequence) {
  auto* r = sql_->disk.find<witness_row>(table::witness, destination);
  if (!r) return std::optional<byte_string>();
  sequence = r->sequence;
  return std::optional(r->witness);
}

result<> rows::put_witness(const std::string& destination, byte_view witness, std::uint64_t sequence) {
  if (sql_->disk.ghost()) return gone();
  sql_->disk.put(table::witness, destination,
                 kept(witness_row{byte_string(witness.begin(), witness.end()), sequence}));
  return {};
}

result<std::optional<byte_string>> rows::find_state(const std::string& instance, const std::string& key) {
  auto* value = sql_->disk.find<byte_string>(table::state, joined_key({instance, key}));
  return value ? std::optional(*value) : std::nullopt;
}

result<> rows::put_state(const std::string& instance, const std::string& key, byte_view value) {
  sql_->disk.put(table::state, joined_key({instance, key}), kept(byte_string(value.begin(), value.end())));
  return {};
}

result<> rows::remove_state(const std::string& instance, const std::string& key) {
  sql_->disk.put(table::state, joined_key({instance, key}), nullptr);
  return {};
}

result<std::vector<std::string>> rows::list_state(const std::string& instance, const std::string& prefix,
                                                  const std::string& after, int count_max) {
  std::vector<std::string> keys;
  auto begin = joined_key({instance});
  for (auto& [joined, value] : sql_->disk.rows_of(table::state)) {
    if (!joined.starts_with(begin)) continue;
    auto key = joined.substr(begin.size(), joined.size() - begin.size() - 1);
    if (key > after && key.starts_with(prefix) && keys.size() < static_cast<std::size_t>(count_max))
      keys.push_back(std::move(key));
  }
  return keys;
}

result<std::vector<token_row>> rows::tokens() {
  std::vector<token_row> found;
  for (auto& [id, value] : sql_->disk.rows_of(table::token))
    found.push_back(*static_cast<const token_row*>(value.get()));
  return found;
}

result<> rows::put_token(const token_row& row) {
  sql_->disk.put(table::token, row.id, kept(row));
  return {};
}

result<bool> rows::remove_token(const std::string& id) {
  bool there = sql_->disk.find<token_row>(table::token, id) != nullptr;
  sql_->disk.put(table::token, id, nullptr);
  return there;
}

result<std::optional<byte_string>> rows::find_fact(const std::string& name) {
  auto* value = sql_->disk.find<byte_string>(table::fact, name);
  return value ? std::optional(*value) : std::nullopt;
}

result<> rows::put_fact(const std::string& name, byte_view value) {
  if (sql_->disk.ghost()) return gone();
  sql_->disk.put(table::fact, name, kept(byte_string(value.begin(), value.end())));
  return {};
}

}  // namespace tilld::daemon
