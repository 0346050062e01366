#include "central/store.hpp"

#include <algorithm>

#include "base/log.hpp"

namespace tilld::central {

using base::errc;
using base::error;
using base::result;

namespace {

// About 4 MiB of log; a checkpoint then takes some tens of milliseconds on a slow disk.
constexpr int checkpoint_pages = 1000;

stored_entry read_entry(const base::statement& row) {
  stored_entry e;
  e.place.sequence = static_cast<std::uint64_t>(row.integer(0));
  e.kind = static_cast<entry_kind>(row.integer(1));
  e.till = row.text(2);
  e.till_sequence = static_cast<std::uint64_t>(row.integer(3));
  auto content = base::as_text(row.blob(6));
  if (e.kind == entry_kind::record) {
    e.record.header = row.array<base::record_header_size>(4);
    e.record.hash = row.array<32>(5);
    e.record.body = content;
  } else {
    e.text = content;
  }
  e.recorded_ms = row.integer(7);
  e.place.hash = row.array<32>(8);
  return e;
}

constexpr std::string_view entry_columns =
    "sequence, kind, till, till_sequence, header, record_hash, content, recorded_ms, hash";

result<std::vector<stored_entry>> read_entries(base::statement& from, std::size_t octets_max) {
  std::vector<stored_entry> all;
  std::size_t octets = 0;
  for (;;) {
    auto row = from.step();
    if (!row) return row.error();
    if (!*row) break;
    all.push_back(read_entry(from));
    octets += all.back().record.body.size() + all.back().text.size() + 200;
    if (octets >= octets_max) break;
  }
  from.reset();
  return all;
}

}  // namespace

store::store(std::unique_ptr<base::database> db, const std::string& path, std::int64_t ballast_size)
    : db_(std::move(db)), ballast_(path + ".ballast", ballast_size) {}

result<std::unique_ptr<store>> store::open(const std::string& path, const base::public_key& own_key,
                                           const options& how) {
  base::database::options database_options;
  database_options.vfs = how.vfs;
  database_options.create = how.create;
  auto db = base::database::open(path, central_migrations(), database_options);
  if (!db) return db.error();
  std::unique_ptr<store> s(new store(std::move(*db), path, how.ballast_size));
  if (auto ready = s->prepare_all(own_key); !ready) return ready.error();
  s->ballast_.restore();
  return s;
}

result<> store::prepare_all(const base::public_key& own_key) {
  std::string columns(entry_columns);
  std::pair<base::statement*, std::string> all[] = {
      {&own_, "SELECT sequence, hash, public_key FROM central"},
      {&keep_own_, "UPDATE central SET sequence = ?, hash = ?"},
      {&standings_,
       "SELECT till, epoch, sequence, hash, start_counter, instance, stopped_code, stopped_reason, "
       "stopped_since_ms, "
       "restored, noted_witness, acknowledgement, proof_text, proof_signature, proof_key, replaced_epoch, "
       "replaced_key, listed_epoch, listed_key FROM till"},
      {&hashes_,
       "SELECT till_sequence, record_hash FROM entry WHERE till = ? AND till_sequence >= ? ORDER BY "
       "till_sequence "
       "LIMIT ?"},
      {&own_hash_, "SELECT hash FROM entry WHERE sequence = ?"},
      {&entries_, "SELECT " + columns + " FROM entry WHERE sequence >= ? ORDER BY sequence LIMIT ?"},
      {&records_, "SELECT " + columns +
                      " FROM entry WHERE till = ? AND till_sequence >= ? ORDER BY till_sequence LIMIT ?"},
      {&events_,
       "SELECT " + columns + " FROM entry WHERE till_sequence IS NULL ORDER BY sequence DESC LIMIT ?"},
      {&events_after_,
       "SELECT " + columns +
           " FROM entry WHERE till_sequence IS NULL AND sequence > ? ORDER BY sequence LIMIT ?"},
      {&insert_, "INSERT INTO entry (" + columns + ") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"},
      {&standing_,
       "INSERT INTO till (till, epoch, sequence, hash, start_counter, instance, stopped_code, "
       "stopped_reason, "
       "stopped_since_ms, restored, noted_witness, replaced_epoch, replaced_key, listed_epoch, "
       "listed_key) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) "
       "ON CONFLICT (till) DO UPDATE SET epoch = excluded.epoch, sequence = excluded.sequence, hash = "
       "excluded.hash, "
       "start_counter = excluded.start_counter, instance = excluded.instance, stopped_code = "
       "excluded.stopped_code, "
       "stopped_reason = excluded.stopped_reason, stopped_since_ms = excluded.stopped_since_ms, "
       "restored = excluded.restored, noted_witness = excluded.noted_witness, "
       "replaced_epoch = excluded.replaced_epoch, replaced_key = excluded.replaced_key, "
       "listed_epoch = excluded.listed_epoch, listed_key = excluded.listed_key"},
      {&acknowledge_, "UPDATE till SET acknowledgement = ? WHERE till = ?"},
      {&prove_, "UPDATE till SET proof_text = ?, proof_signature = ?, proof_key = ? WHERE till = ?"},
  };
  for (auto& [statement, sql] : all) {
    auto made = db_->prepare(sql);
    if (!made) return made.error();
    *statement = std::move(*made);
  }
  auto row = own_.step();
  if (!row) return row.error();
  if (*row) {
    bool same = own_.array<32>(2) == own_key;
    own_.reset();
    if (!same)
      return error{
          errc::config_wrong_value,
          db_->path() + " was made under another key than the one beside it; put the right key back"};
    return {};
  }
  auto first = db_->prepare("INSERT INTO central (id, public_key, sequence, hash) VALUES (1, ?, 0, ?)");
  if (!first) return first.error();
  first->bind(own_key, base::hash256{});
  return first->run();
}

result<own_head> store::own() {
  own_.reset();
  auto row = own_.step();
  if (!row) return row.error();
  own_head h{static_cast<std::uint64_t>(own_.integer(0)), own_.array<32>(1)};
  own_.reset();
  return h;
}

result<std::map<std::string, standing>> store::standings() {
  std::map<std::string, standing> all;
  standings_.reset();
  for (;;) {
    auto row = standings_.step();
    if (!row) return row.error();
    if (!*row) return all;
    auto& s = all[standings_.text(0)];
    s.head = {static_cast<std::uint32_t>(standings_.integer(1)),
              static_cast<std::uint64_t>(standings_.integer(2)), standings_.array<32>(3)};
    s.start_counter = static_cast<std::uint64_t>(standings_.integer(4));
    s.instance = standings_.array<16>(5);
    if (!standings_.is_null(6))
      s.stopped =
          quarantine{static_cast<errc>(standings_.integer(6)), standings_.text(7), standings_.integer(8)};
    s.restored = static_cast<std::uint32_t>(standings_.integer(9));
    s.noted_witness = standings_.array<32>(10);
    s.replaced_epoch = static_cast<std::uint32_t>(standings_.integer(15));
    if (!standings_.is_null(16)) s.replaced_key = standings_.array<32>(16);
    s.listed_epoch = static_cast<std::uint32_t>(standings_.integer(17));
    if (!standings_.is_null(18)) s.listed_key = standings_.array<32>(18);
  }
}

result<std::map<std::string, till_evidence>> store::evidence() {
  std::map<std::string, till_evidence> all;
  standings_.reset();
  for (;;) {
    auto row = standings_.step();
    if (!row) return row.error();
    if (!*row) return all;
    auto& e = all[standings_.text(0)];
    if (!standings_.is_null(11)) {
      auto a = wire::sync::acknowledgement::parse(standings_.blob(11));
      // Unreadable evidence is evidence of damage; an empty signature fails every check that follows.
      e.acknowledged = a ? *a : wire::sync::acknowledgement{};
    }
    auto text = standings_.blob(12);
    e.proof_text.assign(text.begin(), text.end());
    e.proof_signature = standings_.array<64>(13);
    e.proof_key = standings_.array<32>(14);
  }
}

result<std::vector<base::hash256>> store::record_hashes(const std::string& till, std::uint64_t first,
                                                        std::size_t count_max) {
  std::vector<base::hash256> all;
  hashes_.bind(till, first, static_cast<std::uint64_t>(count_max));
  for (;;) {
    auto row = hashes_.step();
    if (!row) return row.error();
    if (!*row) return all;
    // A missing row ends the list: what comes after it stands at another number.
    if (static_cast<std::uint64_t>(hashes_.integer(0)) != first + all.size()) break;
    all.push_back(hashes_.array<32>(1));
  }
  hashes_.reset();
  return all;
}

result<std::optional<base::hash256>> store::own_hash(std::uint64_t sequence) {
  own_hash_.bind(sequence);
  auto row = own_hash_.step();
  if (!row) return row.error();
  std::optional<base::hash256> hash;
  if (*row) hash = own_hash_.array<32>(0);
  own_hash_.reset();
  return hash;
}

result<std::vector<stored_entry>> store::entries(std::uint64_t from, std::size_t count_max,
                                                 std::size_t octets_max) {
  entries_.bind(from, static_cast<std::uint64_t>(count_max));
  return read_entries(entries_, octets_max);
}

result<std::vector<stored_entry>> store::records(const std::string& till, std::uint64_t from,
                                                 std::size_t count_max, std::size_t octets_max) {
  records_.bind(till, from, static_cast<std::uint64_t>(count_max));
  return read_entries(records_, octets_max);
}

result<std::vector<stored_entry>> store::events(std::size_t count_max) {
  events_.bind(static_cast<std::uint64_t>(count_max));
  return read_entries(events_, 1 << 20);
}

result<std::vector<stored_entry>> store::events_after(std::uint64_t sequence, std::size_t count_max) {
  events_after_.bind(sequence, static_cast<std::uint64_t>(count_max));
  // Whole, whatever their size: the caller counts on a full answer to know that there are more.
  return read_entries(events_after_, std::size_t{64} << 20);
}

result<> store::begin() {
  if (full_) return error{errc::storage_full, "the disk was full and has not enough room yet"};
  return judged(db_->begin());
}

result<> store::commit() { return judged(db_->commit()); }

result<> store::keep(const base::record& r, const std::string& till, std::uint64_t sequence,
                     const own_head& entry, std::int64_t recorded_ms) {
  insert_.bind(entry.sequence, static_cast<int>(entry_kind::record), till, sequence, r.header, r.hash,
               base::as_bytes(r.body), recorded_ms, entry.hash);
  return judged(insert_.run());
}

result<> store::keep_event(entry_kind kind, const std::string& till, const std::string& text,
                           const own_head& entry, std::int64_t recorded_ms) {
  insert_.bind(entry.sequence, static_cast<int>(kind), till, nullptr, nullptr, nullptr, base::as_bytes(text),
               recorded_ms, entry.hash);
  return judged(insert_.run());
}

result<> store::keep_standing(const std::string& till, const standing& s) {
  std::optional<std::int64_t> code, since;
  std::optional<std::string> reason;
  if (s.stopped) {
    code = static_cast<std::int64_t>(s.stopped->code);
    reason = s.stopped->reason;
    since = s.stopped->since_unix_ms;
  }
  standing_.bind(till, s.head.epoch, s.head.sequence, s.head.hash, s.start_counter, s.instance, code, reason,
                 since, s.restored, s.noted_witness, s.replaced_epoch, s.replaced_key, s.listed_epoch,
                 s.listed_key);
  return judged(standing_.run());
}

result<> store::keep_acknowledgement(const std::string& till, const wire::sync::acknowledgement& a) {
  acknowledge_.bind(a.encode(), till);
  return judged(acknowledge_.run());
}

result<> store::keep_proof(const std::string& till, base::byte_view text, const base::signature& s,
                           const base::public_key& key) {
  prove_.bind(text, s, key, till);
  return judged(prove_.run());
}

result<> store::keep_own(const own_head& head) {
  keep_own_.bind(head.sequence, head.hash);
  return judged(keep_own_.run());
}

result<> store::checkpoint_if_due() {
  if (db_->wal_pages() < checkpoint_pages) return {};
  return judged(db_->checkpoint());
}

result<> store::judged(result<> done) {
  if (!done && done.error().code == errc::storage_full && !full_) {
    full_ = true;
    ballast_.release();
    base::log(base::log_level::error, "The disk is full; records are refused until there is room again",
              done.error());
  }
  return done;
}

void store::recover() {
  if (!full_ || db_->failed()) return;
  // With the ballast gone there are some blocks for the log to move into the file, which frees the log's own.
  if (!db_->checkpoint()) return;
  ballast_.restore();
  if (!ballast_.present()) return;
  full_ = false;
  base::log(base::log_level::info, "There is room on the disk again; records are taken");
}

}  // namespace tilld::central
