// In the place of central/store.cpp: what central keeps as tables of a log_disk.
#include "base/log.hpp"
#include "central/store.hpp"
#include "tests/sim/log_disk.hpp"
#include "tests/sim/mutants.hpp"

namespace tilld::central {

using base::errc;
using base::error;
using base::result;
using sim::joined_key;
using sim::log_disk;
using sim::number_key;
using sim::table;

namespace {

constexpr int checkpoint_pages = 1000;

error gone() { return {errc::storage_failed, "the process is dead"}; }

template <class Row>
std::shared_ptr<const void> kept(Row value) {
  return std::make_shared<const Row>(std::move(value));
}

std::string key_of(const std::string& till, std::uint64_t sequence) {
  return joined_key({till}) + number_key(sequence);
}

}  // namespace

store::store(std::unique_ptr<base::database> db, const std::string& path, std::int64_t ballast_size)
    : db_(std::move(db)), ballast_(path + ".ballast", ballast_size) {}

result<std::unique_ptr<store>> store::open(const std::string& path, const base::public_key& own_key,
                                           const options& how) {
  auto db = base::database::open(path, {}, {});
  if (!db) return db.error();
  std::unique_ptr<store> s(new store(std::move(*db), path, how.ballast_size));
  if (auto ready = s->prepare_all(own_key); !ready) return ready.error();
  s->ballast_.restore();
  return s;
}

result<> store::prepare_all(const base::public_key&) { return {}; }

result<own_head> store::own() {
  auto& disk = log_disk::of(db_->path());
  if (disk.ghost()) return gone();
  auto* head = disk.find<own_head>(table::own, "");
  return head ? *head : own_head{};
}

result<std::map<std::string, standing>> store::standings() {
  auto& disk = log_disk::of(db_->path());
  if (disk.ghost()) return gone();
  std::map<std::string, standing> all;
  for (auto& [till, value] : disk.rows_of(table::standing))
    all[till] = *static_cast<const standing*>(value.get());
  return all;
}

result<std::map<std::string, till_evidence>> store::evidence() {
  std::map<std::string, till_evidence> all;
  for (auto& [till, value] : log_disk::of(db_->path()).rows_of(table::evidence))
    all[till] = *static_cast<const till_evidence*>(value.get());
  return all;
}

result<std::vector<base::hash256>> store::record_hashes(const std::string& till, std::uint64_t first,
                                                        std::size_t count_max) {
  auto& disk = log_disk::of(db_->path());
  if (disk.ghost()) return gone();
  std::vector<base::hash256> all;
  for (auto sequence = first; all.size() < count_max; ++sequence) {
    auto* place = disk.find<std::uint64_t>(table::entry_of_till, key_of(till, sequence));
    if (!place) break;
    all.push_back(disk.find<stored_entry>(table::entry, number_key(*place))->record.hash);
  }
  return all;
}

result<std::optional<base::hash256>> store::own_hash(std::uint64_t sequence) {
  auto* entry = log_disk::of(db_->path()).find<stored_entry>(table::entry, number_key(sequence));
  return entry ? std::optional(entry->place.hash) : std::nullopt;
}

result<std::vector<stored_entry>> store::entries(std::uint64_t from, std::size_t count_max, std::size_t) {
  auto& disk = log_disk::of(db_->path());
  if (disk.ghost()) return gone();
  auto& rows = disk.rows_of(table::entry);
  std::vector<stored_entry> all;
  for (auto at = rows.lower_bound(number_key(from)); at != rows.end() && all.size() < count_max; ++at)
    all.push_back(*static_cast<const stored_entry*>(at->second.get()));
  return all;
}

result<std::vector<stored_entry>> store::records(const std::string& till, std::uint64_t from,
                                                 std::size_t count_max, std::size_t) {
  auto& disk = log_disk::of(db_->path());
  if (disk.ghost()) return gone();
  std::vector<stored_entry> all;
  auto& places = disk.rows_of(table::entry_of_till);
  for (auto at = places.lower_bound(key_of(till, from));
       at != places.end() && at->first.starts_with(joined_key({till})) && all.size() < count_max; ++at)
    all.push_back(*disk.find<stored_entry>(table::entry,
                                           number_key(*static_cast<const std::uint64_t*>(at->second.get()))));
  return all;
}

result<std::vector<stored_entry>> store::events(std::size_t count_max) {
  std::vector<stored_entry> all;
  auto& rows = log_disk::of(db_->path()).rows_of(table::entry);
  for (auto at = rows.rbegin(); at != rows.rend() && all.size() < count_max; ++at)
    if (auto& e = *static_cast<const stored_entry*>(at->second.get()); e.kind != entry_kind::record)
      all.push_back(e);
  return all;
}

result<std::vector<stored_entry>> store::events_after(std::uint64_t sequence, std::size_t count_max) {
  std::vector<stored_entry> all;
  auto& rows = log_disk::of(db_->path()).rows_of(table::entry);
  for (auto at = rows.upper_bound(number_key(sequence)); at != rows.end() && all.size() < count_max; ++at)
    if (auto& e = *static_cast<const stored_entry*>(at->second.get()); e.kind != entry_kind::record)
      all.push_back(e);
  return all;
}

result<> store::begin() {
  if (full_) return error{errc::storage_full, "the disk was full and has not enough room yet"};
  return judged(db_->begin());
}

result<> store::commit() { return judged(db_->commit()); }

result<> store::keep(const base::record& r, const std::string& till, std::uint64_t sequence,
                     const own_head& entry, std::int64_t recorded_ms) {
  auto& disk = log_disk::of(db_->path());
  if (disk.ghost()) return gone();
  auto key = key_of(till, sequence);
  // The two unique indexes of the table, which alone would keep a record from being there twice.
  bool there = disk.find<std::uint64_t>(table::entry_of_till, key) ||
               disk.find<stored_entry>(table::entry, number_key(entry.sequence));
  if (there && !sim::is(sim::mutant::central_takes_twice))
    return error{errc::internal, "UNIQUE constraint failed"};
  disk.put(table::entry, number_key(entry.sequence),
           kept(stored_entry{entry, entry_kind::record, till, sequence, r, "", recorded_ms}));
  disk.put(table::entry_of_till, std::move(key), kept(entry.sequence));
  return {};
}

result<> store::keep_event(entry_kind kind, const std::string& till, const std::string& text,
                           const own_head& entry, std::int64_t recorded_ms) {
  auto& disk = log_disk::of(db_->path());
  if (disk.ghost()) return gone();
  if (disk.find<stored_entry>(table::entry, number_key(entry.sequence)))
    return error{errc::internal, "UNIQUE constraint failed"};
  disk.put(table::entry, number_key(entry.sequence),
           kept(stored_entry{entry, kind, till, 0, {}, text, recorded_ms}));
  return {};
}

result<> store::keep_standing(const std::string& till, const standing& s) {
  log_disk::of(db_->path()).put(table::standing, till, kept(s));
  return {};
}

result<> store::keep_acknowledgement(const std::string& till, const wire::sync::acknowledgement& a) {
  auto& disk = log_disk::of(db_->path());
  auto* before = disk.find<till_evidence>(table::evidence, till);
  auto now = before ? *before : till_evidence{};
  now.acknowledged = a;
  disk.put(table::evidence, till, kept(std::move(now)));
  return {};
}

result<> store::keep_proof(const std::string& till, base::byte_view text, const base::signature& s,
                           const base::public_key& key) {
  auto& disk = log_disk::of(db_->path());
  auto* before = disk.find<till_evidence>(table::evidence, till);
  auto now = before ? *before : till_evidence{};
  now.proof_text.assign(text.begin(), text.end());
  now.proof_signature = s;
  now.proof_key = key;
  disk.put(table::evidence, till, kept(std::move(now)));
  return {};
}

result<> store::keep_own(const own_head& head) {
  auto& disk = log_disk::of(db_->path());
  if (disk.ghost()) return gone();
  disk.put(table::own, "", kept(head));
  return {};
}

result<> store::checkpoint_if_due() {
  if (db_->wal_pages() < checkpoint_pages) return {};
  return judged(db_->checkpoint());
}

result<> store::judged(result<> done) {
  if (!done && done.error().code == errc::storage_full && !full_) {
    full_ = true;
    ballast_.release();
  }
  return done;
}

void store::recover() {
  if (!full_ || db_->failed()) return;
  if (!db_->checkpoint()) return;
  ballast_.restore();
  if (!ballast_.present()) return;
  full_ = false;
}

}  // namespace tilld::central
