#include "daemon/store/rows.hpp"

#include <algorithm>
#include <limits>

#include <boost/json.hpp>

#include "base/crypto.hpp"
#include "base/step.hpp"
#include "daemon/store/row_check.hpp"

namespace tilld::daemon {

using base::byte_string;
using base::byte_view;
using base::errc;
using base::error;
using base::result;

namespace {

error damaged(const std::string& what) {
  return {errc::journal_damaged, what + " in the till's database is damaged"};
}

bool fits(const base::statement& s, int column, const check_octets& check) {
  return s.array<8>(column) == check;
}

constexpr std::string_view operation_columns =
    "principal, method, key, id, content_mac, state, answer_kind, answer, device, sequence, changed_ms, "
    "row_check";

}  // namespace

journal_entry unknown_note(const operation_row& row) {
  boost::json::object body{
      {"operation_id", row.id.text()}, {"method", row.key.method}, {"device", row.device}};
  return {"operation.unknown", boost::json::serialize(body), std::nullopt};
}

struct rows::statements {
  base::statement last, append, read, happened, total_at, currencies;
  base::statement find_operation, find_operation_by_id, put_operation, with_state, count_unknown;
  base::statement find_witness, put_witness;
  base::statement find_state, put_state, remove_state, list_state;
  base::statement tokens, put_token, remove_token;
  base::statement find_fact, put_fact;

  result<> prepare(base::database& db) {
    std::string columns(operation_columns);
    struct {
      base::statement* to;
      std::string sql;
    } all[] = {
        {&last, "SELECT header, body, hash FROM journal ORDER BY sequence DESC LIMIT 1"},
        {&append,
         "INSERT INTO journal (sequence, header, body, hash, currency, amount_minor, total_minor, "
         "total_count) "
         "VALUES (?, ?, ?, ?, ?, ?, ?, ?)"},
        {&read, "SELECT header, body, hash FROM journal WHERE sequence >= ? ORDER BY sequence LIMIT ?"},
        {&happened, "SELECT header FROM journal WHERE sequence = ?"},
        {&total_at,
         "SELECT total_minor, total_count FROM journal WHERE currency = ? AND sequence <= ? ORDER BY "
         "sequence DESC LIMIT 1"},
        // Skips from one currency to the next along the index.
        {&currencies,
         "WITH RECURSIVE c(v) AS (SELECT min(currency) FROM journal WHERE currency IS NOT NULL UNION ALL "
         "SELECT (SELECT min(currency) FROM journal WHERE currency > c.v) FROM c WHERE c.v IS NOT NULL) "
         "SELECT v FROM c WHERE v IS NOT NULL"},
        {&find_operation,
         "SELECT " + columns + " FROM operation WHERE principal = ? AND method = ? AND key = ?"},
        {&find_operation_by_id, "SELECT " + columns + " FROM operation WHERE id = ?"},
        {&put_operation,
         "INSERT OR REPLACE INTO operation (" + columns + ") VALUES (?,?,?,?,?,?,?,?,?,?,?,?)"},
        {&with_state, "SELECT " + columns + " FROM operation WHERE state = ? AND state IN (1, 4) LIMIT ?"},
        {&count_unknown, "SELECT count(*) FROM operation WHERE state = 4 AND state IN (1, 4)"},
        {&find_witness, "SELECT witness, sequence, row_check FROM destination WHERE name = ?"},
        {&put_witness,
         "INSERT OR REPLACE INTO destination (name, witness, sequence, row_check) VALUES (?,?,?,?)"},
        {&find_state, "SELECT value, row_check FROM plugin_state WHERE instance = ? AND key = ?"},
        {&put_state,
         "INSERT OR REPLACE INTO plugin_state (instance, key, value, row_check) VALUES (?,?,?,?)"},
        {&remove_state, "DELETE FROM plugin_state WHERE instance = ? AND key = ?"},
        {&list_state,
         "SELECT key FROM plugin_state WHERE instance = ?1 AND key > ?3 AND substr(key, 1, length(?2)) = ?2 "
         "ORDER BY key LIMIT ?4"},
        {&tokens,
         "SELECT id, role, note, hash, created_ms, row_check, origin FROM token ORDER BY created_ms, id"},
        {&put_token,
         "INSERT INTO token (id, role, note, hash, created_ms, row_check, origin) VALUES (?,?,?,?,?,?,?)"},
        {&remove_token, "DELETE FROM token WHERE id = ?"},
        {&find_fact, "SELECT value, row_check FROM fact WHERE name = ?"},
        {&put_fact, "INSERT OR REPLACE INTO fact (name, value, row_check) VALUES (?,?,?)"},
    };
    for (auto& one : all) {
      auto prepared = db.prepare(one.sql);
      if (!prepared) return prepared.error();
      *one.to = std::move(*prepared);
    }
    return {};
  }
};

rows::rows(base::database& db, base::seal_keys& seals, std::string till, const base::clock& clock)
    : db_(db), seals_(seals), till_(std::move(till)), clock_(clock), sql_(std::make_shared<statements>()) {}

result<std::unique_ptr<rows>> rows::open(base::database& db, base::seal_keys& seals, std::string till,
                                         const base::clock& clock) {
  std::unique_ptr<rows> r(new rows(db, seals, std::move(till), clock));
  if (auto done = r->sql_->prepare(db); !done) return done.error();
  if (auto done = r->load_end(); !done) return done.error();
  return r;
}

result<> rows::load_end() {
  if (auto loaded = load_beginning(); !loaded) return loaded.error();
  auto last = last_record();
  if (!last) return last.error();
  if (!*last) {
    end_.head = end_.beginning;
    end_.totals = end_.totals_before;
    return {};
  }
  auto header = (*last)->decoded();
  if (!header) return damaged("the last record");
  if (header->till != till_)
    return error{errc::config_wrong_value,
                 "the database belongs to till " + header->till + ", the configuration says " + till_};
  end_.head = base::chain_head{header->epoch, header->sequence, (*last)->hash};
  auto totals = totals_at(end_.head.sequence);
  if (!totals) return totals.error();
  end_.totals = std::move(*totals);
  return {};
}

namespace {

// The sum over all records in this currency.
money_total& total_in(journal_end& end, const std::string& currency) {
  auto at =
      std::find_if(end.totals.begin(), end.totals.end(), [&](auto& t) { return t.currency == currency; });
  return at != end.totals.end() ? *at : end.totals.emplace_back(money_total{currency, 0, 0});
}

base::record read_record(const base::statement& s) {
  base::record r;
  r.header = s.array<base::record_header_size>(0);
  r.body = std::string(base::as_text(s.blob(1)));
  r.hash = s.array<32>(2);
  return r;
}

}  // namespace

result<std::optional<base::record>> rows::last_record() {
  auto& s = sql_->last;
  s.bind();
  auto row = s.step();
  if (!row) return row.error();
  std::optional<base::record> found;
  if (*row) found = read_record(s);
  s.reset();
  return found;
}

result<base::record_header> rows::append(const journal_entry& entry) {
  base::record_header h;
  h.epoch = end_.head.epoch;
  h.sequence = end_.head.sequence + 1;
  h.happened = clock_.now();
  h.id = base::uuid::v7(h.happened.unix_ms);
  h.till = till_;
  h.kind = entry.kind;
  h.body_size = static_cast<std::uint32_t>(entry.body.size());
  if (!base::is_record_kind(entry.kind)) return error{errc::internal, "not a kind of record: " + entry.kind};
  if (entry.body.size() > base::record_body_size_max)
    return error{errc::message_too_large, "the body of a record is larger than 1 MiB"};

  auto header = encode(h);
  auto hash = base::record_hash(end_.head.hash, header, base::as_bytes(entry.body));
  std::optional<std::string> currency;
  std::optional<std::int64_t> amount, total_minor, total_count;
  money_total* total = nullptr;
  if (entry.amount) {
    currency = entry.amount->currency;
    amount = entry.amount->minor;
    total = &total_in(end_, *currency);
    std::int64_t sum = 0;
    // A thousand sales of the largest amount there is: the sum stays at the edge, the records are right.
    if (__builtin_add_overflow(*amount, total->minor, &sum))
      sum = *amount < 0 ? std::numeric_limits<std::int64_t>::min() : std::numeric_limits<std::int64_t>::max();
    total_minor = sum;
    total_count = total->count + 1;
  }
  auto& s = sql_->append;
  s.bind(h.sequence, header, base::as_bytes(entry.body), hash, currency, amount, total_minor, total_count);
  if (auto done = s.run(); !done) return done.error();
  end_.head = base::chain_head{h.epoch, h.sequence, hash};
  if (!end_.first_new_ms) end_.first_new_ms = h.happened.unix_ms;
  if (total) {
    total->minor = *total_minor;
    total->count = *total_count;
  }
  base::reach(base::step::record_written);
  return h;
}

result<std::vector<base::record>> rows::read(std::uint64_t from, std::uint64_t count_max,
                                             std::size_t octets_max) {
  std::vector<base::record> found;
  std::size_t octets = 0;
  auto& s = sql_->read;
  s.bind(from, count_max);
  for (;;) {
    auto row = s.step();
    if (!row) return row.error();
    if (!*row) break;
    auto next = read_record(s);
    octets += next.wire_size();
    if (!found.empty() && octets > octets_max) break;
    found.push_back(std::move(next));
  }
  s.reset();
  return found;
}

result<std::optional<std::int64_t>> rows::happened_ms(std::uint64_t sequence) {
  auto& s = sql_->happened;
  s.bind(sequence);
  auto row = s.step();
  if (!row) return row.error();
  std::optional<std::int64_t> when;
  if (*row) {
    auto header = base::decode_record_header(s.blob(0));
    if (header) when = header->happened.unix_ms;
  }
  s.reset();
  return when;
}

result<std::vector<money_total>> rows::totals_at(std::uint64_t sequence) {
  std::vector<std::string> currencies;
  auto& c = sql_->currencies;
  c.bind();
  for (;;) {
    auto row = c.step();
    if (!row) return row.error();
    if (!*row) break;
    currencies.push_back(c.text(0));
  }
  std::vector<money_total> totals;
  auto& t = sql_->total_at;
  for (auto& currency : currencies) {
    t.bind(currency, sequence);
    auto row = t.step();
    if (!row) return row.error();
    if (*row) totals.push_back({currency, t.integer(0), t.integer(1)});
    t.reset();
  }
  // Of a currency whose records up to there were all moved into files.
  for (auto& before : end_.totals_before)
    if (std::none_of(totals.begin(), totals.end(),
                     [&](auto& one) { return one.currency == before.currency; }))
      totals.push_back(before);
  return totals;
}

result<operation_row> rows::read_operation(base::statement& s) {
  operation_row r;
  r.key = {s.text(0), s.text(1), s.text(2)};
  r.id.octets = s.array<16>(3);
  r.content_mac = s.array<32>(4);
  r.state = static_cast<operation_state>(s.integer(5));
  r.kind = static_cast<answer_kind>(s.integer(6));
  auto stored = s.blob(7);
  r.device = s.text(8);
  r.sequence = static_cast<std::uint64_t>(s.integer(9));
  r.changed_ms = s.integer(10);
  if (!fits(s, 11, check_of(r, stored))) return damaged("an operation");
  if (r.kind == answer_kind::sealed_result || r.kind == answer_kind::sealed_error) {
    auto plain = seals_.open(stored, r.id.octets);
    if (!plain && plain.error().code == errc::answer_expired) {
      r.kind = answer_kind::expired;
      return r;
    }
    if (!plain) return plain.error();
    r.answer = std::move(*plain);
    r.kind = r.kind == answer_kind::sealed_result ? answer_kind::result : answer_kind::error;
  } else {
    r.answer = std::string(base::as_text(stored));
  }
  return r;
}

result<std::optional<operation_row>> rows::find_operation(const operation_key& key) {
  auto& s = sql_->find_operation;
  s.bind(key.principal, key.method, key.key);
  auto row = s.step();
  if (!row) return row.error();
  if (!*row) return std::optional<operation_row>();
  auto found = read_operation(s);
  s.reset();
  if (!found) return found.error();
  return std::optional(std::move(*found));
}

result<std::optional<operation_row>> rows::find_operation(const base::uuid& id) {
  auto& s = sql_->find_operation_by_id;
  s.bind(id.octets);
  auto row = s.step();
  if (!row) return row.error();
  if (!*row) return std::optional<operation_row>();
  auto found = read_operation(s);
  s.reset();
  if (!found) return found.error();
  return std::optional(std::move(*found));
}

result<> rows::note(result<> done, row_trace what) {
  if (!done) return done;
  written_.push_back(what);
  end_.rows_written = written_.size();
  return {};
}

result<> rows::put_operation(const operation_row& given, bool seal) {
  auto row = given;
  byte_string stored(row.answer.begin(), row.answer.end());
  if (seal && (row.kind == answer_kind::result || row.kind == answer_kind::error)) {
    auto sealed = seals_.seal(row.answer, row.id.octets);
    if (!sealed) return sealed.error();
    stored = std::move(*sealed);
    row.kind = row.kind == answer_kind::result ? answer_kind::sealed_result : answer_kind::sealed_error;
  }
  auto& s = sql_->put_operation;
  std::optional<std::int64_t> sequence;
  if (row.sequence) sequence = static_cast<std::int64_t>(row.sequence);
  auto check = check_of(row, stored);
  s.bind(row.key.principal, row.key.method, row.key.key, row.id.octets, row.content_mac,
         static_cast<int>(row.state), static_cast<int>(row.kind), stored, row.device, sequence,
         row.changed_ms, check);
  auto done = note(s.run(), {trace_of(row.key), check});
  if (!done) return done;
  if (row.state == operation_state::unknown) end_.operations_became_unknown = true;
  base::reach(base::step::key_written);
  return {};
}

result<std::vector<operation_row>> rows::unknown_operations(int count_max) {
  std::vector<operation_row> found;
  auto& s = sql_->with_state;
  s.bind(static_cast<int>(operation_state::unknown), count_max);
  for (;;) {
    auto row = s.step();
    if (!row) return row.error();
    if (!*row) return found;
    auto one = read_operation(s);
    if (!one) {
      s.reset();
      return one.error();
    }
    found.push_back(std::move(*one));
  }
}

result<std::uint64_t> rows::count_unknown() {
  auto& s = sql_->count_unknown;
  s.bind();
  auto row = s.step();
  if (!row) return row.error();
  auto count = static_cast<std::uint64_t>(s.integer(0));
  s.reset();
  return count;
}

result<std::vector<operation_row>> rows::mark_running_as_unknown() {
  std::vector<operation_row> found;
  auto& s = sql_->with_state;
  s.bind(static_cast<int>(operation_state::running), -1);
  for (;;) {
    auto row = s.step();
    if (!row) return row.error();
    if (!*row) break;
    auto one = read_operation(s);
    if (!one) {
      s.reset();
      return one.error();
    }
    found.push_back(std::move(*one));
  }
  for (auto& row : found) {
    row.state = operation_state::unknown;
    row.changed_ms = clock_.unix_ms();
    if (auto done = put_operation(row); !done) return done.error();
  }
  return found;
}

result<std::optional<byte_string>> rows::find_witness(const std::string& destination,
                                                      std::uint64_t& sequence) {
  auto& s = sql_->find_witness;
  s.bind(destination);
  auto row = s.step();
  if (!row) return row.error();
  if (!*row) return std::optional<byte_string>();
  auto witness = s.blob(0);
  bool whole = fits(s, 2, check_of_cursor(destination, witness, s.integer(1)));
  byte_string found(witness.begin(), witness.end());
  sequence = static_cast<std::uint64_t>(s.integer(1));
  s.reset();
  if (!whole) return damaged("the cursor of destination " + destination);
  return std::optional(std::move(found));
}

result<> rows::put_witness(const std::string& destination, byte_view witness, std::uint64_t sequence) {
  auto& s = sql_->put_witness;
  auto check = check_of_cursor(destination, witness, static_cast<std::int64_t>(sequence));
  s.bind(destination, witness, sequence, check);
  return note(s.run(), {trace_of(checked_table::destination, {destination}), check});
}

result<std::optional<byte_string>> rows::find_state(const std::string& instance, const std::string& key) {
  auto& s = sql_->find_state;
  s.bind(instance, key);
  auto row = s.step();
  if (!row) return row.error();
  if (!*row) return std::optional<byte_string>();
  auto value = s.blob(0);
  bool whole = fits(s, 1, check_of_state(instance, key, value));
  byte_string found(value.begin(), value.end());
  s.reset();
  if (!whole) return damaged("the state " + key + " of plugin " + instance);
  return std::optional(std::move(found));
}

result<> rows::put_state(const std::string& instance, const std::string& key, byte_view value) {
  auto& s = sql_->put_state;
  auto check = check_of_state(instance, key, value);
  s.bind(instance, key, value, check);
  return note(s.run(), {trace_of(checked_table::plugin_state, {instance, key}), check});
}

result<> rows::remove_state(const std::string& instance, const std::string& key) {
  auto& s = sql_->remove_state;
  s.bind(instance, key);
  return note(s.run(), {trace_of(checked_table::plugin_state, {instance, key}), std::nullopt});
}

result<std::vector<std::string>> rows::list_state(const std::string& instance, const std::string& prefix,
                                                  const std::string& after, int count_max) {
  std::vector<std::string> keys;
  auto& s = sql_->list_state;
  s.bind(instance, prefix, after, count_max);
  for (;;) {
    auto row = s.step();
    if (!row) return row.error();
    if (!*row) return keys;
    keys.push_back(s.text(0));
  }
}

result<std::vector<token_row>> rows::tokens() {
  std::vector<token_row> found;
  auto& s = sql_->tokens;
  s.bind();
  for (;;) {
    auto row = s.step();
    if (!row) return row.error();
    if (!*row) return found;
    token_row t{s.text(0), s.text(1), s.text(2), s.array<32>(3), s.integer(4), s.text(6)};
    // A damaged token row opens nothing.
    if (fits(s, 5, check_of(t))) found.push_back(std::move(t));
  }
}

result<> rows::put_token(const token_row& t) {
  auto& s = sql_->put_token;
  auto check = check_of(t);
  s.bind(t.id, t.role, t.note, t.hash, t.created_ms, check, t.origin);
  return note(s.run(), {trace_of(checked_table::token, {t.id}), check});
}

result<bool> rows::remove_token(const std::string& id) {
  auto& s = sql_->remove_token;
  s.bind(id);
  auto done = s.run();
  auto removed = db_.changes() > 0;
  if (done = note(std::move(done), {trace_of(checked_table::token, {id}), std::nullopt}); !done)
    return done.error();
  return removed;
}

result<std::optional<byte_string>> rows::find_fact(const std::string& name) {
  auto& s = sql_->find_fact;
  s.bind(name);
  auto row = s.step();
  if (!row) return row.error();
  if (!*row) return std::optional<byte_string>();
  auto value = s.blob(0);
  bool whole = fits(s, 1, check_of_fact(name, value));
  byte_string found(value.begin(), value.end());
  s.reset();
  if (!whole) return damaged("the fact " + name);
  return std::optional(std::move(found));
}

result<> rows::put_fact(const std::string& name, byte_view value) {
  auto& s = sql_->put_fact;
  auto check = check_of_fact(name, value);
  s.bind(name, value, check);
  return note(s.run(), {trace_of(checked_table::fact, {name}), check});
}

}  // namespace tilld::daemon
