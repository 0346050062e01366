// In the place of base/sqlite.cpp and base/sealed.cpp: a database that is a log_disk. Statements are not
// needed, since the rows of both programs are exchanged as well (log_rows.cpp, log_central_store.cpp).
#include "base/sealed.hpp"
#include "base/sqlite.hpp"
#include "tests/sim/log_disk.hpp"

// The one function of SQLite that the header calls inline, for in_transaction().
extern "C" int sqlite3_get_autocommit(sqlite3* handle) {
  return !reinterpret_cast<tilld::sim::log_disk*>(handle)->in_transaction();
}

namespace tilld::base {

using sim::log_disk;

namespace {

// How many commits there are between two checkpoints: fewer than in a shop, so that a run sees some.
constexpr int pages_of_a_commit = 24;

log_disk& disk_of(sqlite3* handle) { return *reinterpret_cast<log_disk*>(handle); }

}  // namespace

result<std::unique_ptr<database>> database::open(const std::string& path, std::span<const migration>,
                                                 const options&) {
  std::unique_ptr<database> db(new database(path));
  auto& disk = log_disk::of(path);
  disk.attach();
  // As base/sqlite.cpp does it: what may lie in the kernel's memory alone is written and flushed once more.
  if (auto firm = disk.write_again(); !firm) return firm.error();
  db->handle_ = reinterpret_cast<sqlite3*>(&disk);
  return db;
}

database::~database() = default;

error database::refusal() const {
  return {errc::storage_failed, path_ + " failed before and is not written any more"};
}

result<> database::begin() {
  if (failed_) return refusal();
  disk_of(handle_).begin();
  return {};
}

result<> database::commit() {
  if (failed_) return refusal();
  auto done = disk_of(handle_).commit();
  if (done)
    wal_pages_ += pages_of_a_commit;
  else if (done.error().code == errc::storage_failed)
    failed_ = true;
  return done;
}

void database::rollback() { disk_of(handle_).rollback(); }

// One mark at a time, as in base/sqlite.cpp.
static std::size_t marked = 0;

result<> database::mark() {
  marked = disk_of(handle_).changes_so_far();
  return {};
}

result<> database::back_to_mark() {
  auto& disk = disk_of(handle_);
  disk.rollback(marked);
  if (marked == 0) disk.begin();
  return {};
}

result<> database::unmark() { return {}; }

result<> database::checkpoint() {
  if (failed_) return refusal();
  auto done = disk_of(handle_).checkpoint();
  if (done)
    wal_pages_ = 0;
  else if (done.error().code == errc::storage_failed)
    failed_ = true;
  return done;
}

void ballast::restore() {
  auto& disk = log_disk::of(path_);
  disk.restore_ballast();
  present_ = disk.ballast();
}

void ballast::release() {
  log_disk::of(path_).release_ballast();
  present_ = false;
}

// Answers under seal are not part of the simulation: their keys are one more file, flushed before the row.
result<seal_keys> seal_keys::open(const std::string&) { return seal_keys(); }
result<byte_string> seal_keys::seal(std::string_view plain, byte_view) {
  return byte_string(plain.begin(), plain.end());
}
result<std::string> seal_keys::open(byte_view sealed, byte_view) const {
  return std::string(as_text(sealed));
}
result<> seal_keys::destroy(byte_view) { return {}; }

}  // namespace tilld::base
