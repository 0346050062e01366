// The rows of a till on a plain append log: the same octets of each record and each answered key go to one
// file, what is looked up stays in memory, and a commit is one write and one fdatasync. It has no index on
// disk, no page cache, no checkpoint and cannot be opened again, so nothing that stores the same is quicker:
// the floor for the store, in a daemon that is otherwise the same. Only tests/bench builds it.
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <map>

#include <boost/json.hpp>

#include "base/file.hpp"
#include "daemon/store/rows.hpp"

namespace tilld::daemon {

using base::byte_string;
using base::byte_view;
using base::result;

journal_entry unknown_note(const operation_row& row) {
  boost::json::object body{
      {"operation_id", row.id.text()}, {"method", row.key.method}, {"device", row.device}};
  return {"operation.unknown", boost::json::serialize(body), std::nullopt};
}

struct rows::statements {
  base::unique_fd log;
  byte_string pending;
  std::vector<base::record> records;
  std::vector<std::int64_t> happened;
  std::map<operation_key, operation_row> operations;
  std::map<std::string, std::pair<byte_string, std::uint64_t>> witnesses;
  std::map<std::pair<std::string, std::string>, byte_string> states;
  std::map<std::string, byte_string> facts;
  std::vector<token_row> tokens;

  void add(byte_view octets) { base::byte_writer(pending).bytes(octets); }
  void add(std::string_view text) { add(base::as_bytes(text)); }
};

namespace {

// The one log of this process; flush_log() has no other way to it.
base::unique_fd* open_log = nullptr;
byte_string* unwritten = nullptr;

[[noreturn]] void lose_heart(const char* what) {
  std::perror(what);
  std::abort();
}

}  // namespace

// Stands where the store commits (tests/bench/CMakeLists.txt changes that one line).
result<> flush_log() {
  for (std::size_t done = 0; done < unwritten->size();) {
    auto n = ::write(open_log->get(), unwritten->data() + done, unwritten->size() - done);
    if (n <= 0) lose_heart("the append log");
    done += static_cast<std::size_t>(n);
  }
  if (::fdatasync(open_log->get()) != 0) lose_heart("the append log");
  unwritten->clear();
  return {};
}

rows::rows(base::database& db, base::seal_keys& seals, std::string till, const base::clock& clock)
    : db_(db), seals_(seals), till_(std::move(till)), clock_(clock), sql_(std::make_shared<statements>()) {}

result<std::unique_ptr<rows>> rows::open(base::database& db, base::seal_keys& seals, std::string till,
                                         const base::clock& clock) {
  std::unique_ptr<rows> r(new rows(db, seals, std::move(till), clock));
  r->sql_->log = base::unique_fd(
      ::open((db.path() + ".log").c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600));
  if (!r->sql_->log) lose_heart("the append log");
  open_log = &r->sql_->log;
  unwritten = &r->sql_->pending;
  return r;
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
  base::record r{encode(h), {}, entry.body};
  r.hash = base::record_hash(end_.head.hash, r.header, base::as_bytes(r.body));
  sql_->add(r.header);
  sql_->add(r.body);
  sql_->add(r.hash);
  if (entry.amount) {
    auto at = std::find_if(end_.totals.begin(), end_.totals.end(),
                           [&](auto& t) { return t.currency == entry.amount->currency; });
    auto& total =
        at != end_.totals.end() ? *at : end_.totals.emplace_back(money_total{entry.amount->currency, 0, 0});
    total.minor += entry.amount->minor;
    ++total.count;
  }
  end_.head = base::chain_head{h.epoch, h.sequence, r.hash};
  if (!end_.first_new_ms) end_.first_new_ms = h.happened.unix_ms;
  sql_->happened.push_back(h.happened.unix_ms);
  sql_->records.push_back(std::move(r));
  return h;
}

result<std::vector<base::record>> rows::read(std::uint64_t from, std::uint64_t count_max,
                                             std::size_t octets_max) {
  std::vector<base::record> found;
  std::size_t octets = 0;
  for (auto at = from; at >= 1 && at <= sql_->records.size() && found.size() < count_max; ++at) {
    auto& next = sql_->records[at - 1];
    octets += next.wire_size();
    if (!found.empty() && octets > octets_max) break;
    found.push_back(next);
  }
  return found;
}

result<std::optional<base::record>> rows::last_record() { return std::optional<base::record>(); }
result<> rows::load_end() { return {}; }

result<std::optional<std::int64_t>> rows::happened_ms(std::uint64_t sequence) {
  if (sequence == 0 || sequence > sql_->happened.size()) return std::optional<std::int64_t>();
  return std::optional(sql_->happened[sequence - 1]);
}

// Of the head only: a bench has no destination that stands anywhere else than at the beginning.
result<std::vector<money_total>> rows::totals_at(std::uint64_t sequence) {
  return sequence == end_.head.sequence ? end_.totals : std::vector<money_total>();
}

result<operation_row> rows::read_operation(base::statement&) { return operation_row(); }

result<std::optional<operation_row>> rows::find_operation(const operation_key& key) {
  auto found = sql_->operations.find(key);
  if (found == sql_->operations.end()) return std::optional<operation_row>();
  return std::optional(found->second);
}

result<std::optional<operation_row>> rows::find_operation(const base::uuid& id) {
  for (auto& [key, row] : sql_->operations)
    if (row.id.octets == id.octets) return std::optional(row);
  return std::optional<operation_row>();
}

result<> rows::put_operation(const operation_row& row, bool) {
  sql_->add(row.key.principal);
  sql_->add(row.key.method);
  sql_->add(row.key.key);
  sql_->add(row.id.octets);
  sql_->add(row.content_mac);
  sql_->add(row.answer);
  sql_->add(row.device);
  base::byte_writer numbers(sql_->pending);
  numbers.u64(static_cast<std::uint64_t>(row.state));
  numbers.u64(static_cast<std::uint64_t>(row.kind));
  numbers.u64(row.sequence);
  numbers.u64(static_cast<std::uint64_t>(row.changed_ms));
  sql_->operations.insert_or_assign(row.key, row);
  return {};
}

result<std::vector<operation_row>> rows::unknown_operations(int) { return std::vector<operation_row>(); }
result<std::uint64_t> rows::count_unknown() { return 0; }
result<std::vector<operation_row>> rows::mark_running_as_unknown() { return std::vector<operation_row>(); }

result<std::optional<byte_string>> rows::find_witness(const std::string& destination,
                                                      std::uint64_t& sequence) {
  auto found = sql_->witnesses.find(destination);
  if (found == sql_->witnesses.end()) return std::optional<byte_string>();
  sequence = found->second.second;
  return std::optional(found->second.first);
}

result<> rows::put_witness(const std::string& destination, byte_view witness, std::uint64_t sequence) {
  sql_->add(witness);
  sql_->witnesses[destination] = {byte_string(witness.begin(), witness.end()), sequence};
  return {};
}

result<std::optional<byte_string>> rows::find_state(const std::string& instance, const std::string& key) {
  auto found = sql_->states.find({instance, key});
  if (found == sql_->states.end()) return std::optional<byte_string>();
  return std::optional(found->second);
}

result<> rows::put_state(const std::string& instance, const std::string& key, byte_view value) {
  sql_->add(value);
  sql_->states[{instance, key}] = byte_string(value.begin(), value.end());
  return {};
}

result<> rows::remove_state(const std::string& instance, const std::string& key) {
  sql_->states.erase({instance, key});
  return {};
}

result<std::vector<std::string>> rows::list_state(const std::string& instance, const std::string& prefix,
                                                  const std::string& after, int count_max) {
  std::vector<std::string> keys;
  for (auto& [name, value] : sql_->states)
    if (name.first == instance && name.second > after && name.second.starts_with(prefix) &&
        keys.size() < static_cast<std::size_t>(count_max))
      keys.push_back(name.second);
  return keys;
}

result<std::vector<token_row>> rows::tokens() { return sql_->tokens; }
result<> rows::put_token(const token_row& row) {
  sql_->tokens.push_back(row);
  return {};
}
result<bool> rows::remove_token(const std::string& id) {
  return std::erase_if(sql_->tokens, [&](auto& t) { return t.id == id; }) > 0;
}

result<std::optional<byte_string>> rows::find_fact(const std::string& name) {
  auto found = sql_->facts.find(name);
  if (found == sql_->facts.end()) return std::optional<byte_string>();
  return std::optional(found->second);
}

result<> rows::put_fact(const std::string& name, byte_view value) {
  sql_->add(value);
  sql_->facts[name] = byte_string(value.begin(), value.end());
  return {};
}

}  // namespace tilld::daemon
