#include "base/sqlite.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <utility>

#include "base/file.hpp"
#include "base/log.hpp"

namespace tilld::base {
namespace {

// Whether the last writes that the kernel refused found no room: a quota, a limit on the size of files.
// SQLite knows only ENOSPC as "full" and calls these an I/O error. It keeps the number of the last failure
// for each of its two files; had one of them failed otherwise, that would stand there.
bool found_no_room(sqlite3* db) {
  int in_file = 0, in_log = 0;
  sqlite3_file_control(db, "main", SQLITE_FCNTL_LAST_ERRNO, &in_file);
  sqlite3_file* log = nullptr;
  sqlite3_file_control(db, "main", SQLITE_FCNTL_JOURNAL_POINTER, &log);
  if (log && log->pMethods) log->pMethods->xFileControl(log, SQLITE_FCNTL_LAST_ERRNO, &in_log);
  auto is_room = [](int number) { return number == ENOSPC || number == EDQUOT || number == EFBIG; };
  return (is_room(in_file) && (is_room(in_log) || in_log == 0)) || (is_room(in_log) && in_file == 0);
}

// A process that died between a write and its flush, or whose flush failed, leaves transactions in the log
// that the kernel shows and the disk may not have. Whoever reads them would answer from them, and the next
// power cut would take them away, with all that was committed behind them. So the same octets are written to
// the same places: that makes the pages dirty again, needs no room and changes nothing where they were on the
// disk already. A checkpoint would not do: on the disk it leaves an older log over a newer file.
result<> write_log_again(database& db, sqlite3* handle) {
  sqlite3_file* log = nullptr;
  sqlite3_file_control(handle, "main", SQLITE_FCNTL_JOURNAL_POINTER, &log);
  if (!log || !log->pMethods) return {};
  sqlite3_int64 size = 0;
  if (int code = log->pMethods->xFileSize(log, &size); code != SQLITE_OK)
    return db.failure(code, "size of the log");
  if (size == 0) return {};
  byte_string piece(64 << 10);
  for (sqlite3_int64 at = 0; at < size; at += static_cast<sqlite3_int64>(piece.size())) {
    auto count =
        static_cast<int>(std::min<sqlite3_int64>(size - at, static_cast<sqlite3_int64>(piece.size())));
    int code = log->pMethods->xRead(log, piece.data(), count, at);
    if (code == SQLITE_OK) code = log->pMethods->xWrite(log, piece.data(), count, at);
    if (code != SQLITE_OK) return db.failure(code, "write the log again");
  }
  if (int code = log->pMethods->xSync(log, SQLITE_SYNC_NORMAL); code != SQLITE_OK)
    return db.failure(code, "flush the log again");
  return {};
}

}  // namespace

result<bool> statement::step() {
  if (owner_->failed_ && !sqlite3_stmt_readonly(handle_.get())) return owner_->refusal();
  int code = sqlite3_step(handle_.get());
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) {
    reset();
    return false;
  }
  auto e = owner_->failure(code, sqlite3_sql(handle_.get()));
  reset();
  return e;
}

statement& statement::bind_row(const statement& from) {
  reset();
  for (int at = 0; at < from.columns(); ++at)
    sqlite3_bind_value(handle_.get(), at + 1, sqlite3_column_value(from.handle_.get(), at));
  return *this;
}

// Numbers are left alone: asking for their octets would turn them into texts.
std::size_t statement::row_octets() const {
  std::size_t octets = 0;
  for (int at = 0; at < columns(); ++at)
    if (auto type = sqlite3_column_type(handle_.get(), at); type == SQLITE_TEXT || type == SQLITE_BLOB)
      octets += static_cast<std::size_t>(sqlite3_column_bytes(handle_.get(), at));
  return octets;
}

result<> statement::run() {
  auto stepped = step();
  if (!stepped) return stepped.error();
  reset();
  return {};
}

void statement::reset() {
  sqlite3_reset(handle_.get());
  sqlite3_clear_bindings(handle_.get());
}

std::string statement::text(int column) const {
  auto* from = reinterpret_cast<const char*>(sqlite3_column_text(handle_.get(), column));
  return from ? std::string(from, static_cast<std::size_t>(sqlite3_column_bytes(handle_.get(), column)))
              : std::string();
}

byte_view statement::blob(int column) const {
  auto* from = static_cast<const std::uint8_t*>(sqlite3_column_blob(handle_.get(), column));
  return {from, from ? static_cast<std::size_t>(sqlite3_column_bytes(handle_.get(), column)) : 0};
}

void statement::bind_one(int at, std::string_view v) {
  sqlite3_bind_text64(handle_.get(), at, v.data() ? v.data() : "", v.size(), SQLITE_TRANSIENT, SQLITE_UTF8);
}

void statement::bind_one(int at, byte_view v) {
  static const std::uint8_t nothing = 0;  // an empty blob is not NULL
  sqlite3_bind_blob64(handle_.get(), at, v.data() ? v.data() : &nothing, v.size(), SQLITE_TRANSIENT);
}

result<std::unique_ptr<database>> database::open(const std::string& path,
                                                 std::span<const migration> migrations, const options& how) {
  if (how.create) {
    auto folder = std::filesystem::path(path).parent_path().string();
    if (auto made = make_folders(folder.empty() ? "." : folder); !made) return made.error();
    // SQLite would make the file with the umask's mode; money is not for other users' eyes. A file that is
    // there is not touched: closing any descriptor of it would drop the locks that another connection of this
    // process holds.
    unique_fd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
    if (!fd && errno != EEXIST)
      return error{errc::storage_failed, "create " + path + ": " + errno_text(errno)};
  }
  std::unique_ptr<database> db(new database(path));
  int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
  int code = sqlite3_open_v2(path.c_str(), &db->handle_, flags, how.vfs);
  if (code != SQLITE_OK) return db->failure(code, "open " + path);
  if (auto done = db->configure(); !done) return done.error();
  if (auto done = write_log_again(*db, db->handle_); !done) return done.error();
  if (auto done = db->migrate(migrations); !done) return done.error();
  return db;
}

database::~database() {
  if (failed_) sqlite3_db_config(handle_, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
  for (auto* s : {&begin_, &commit_, &mark_, &back_to_mark_, &unmark_})
    *s = {};  // the last one would close the file
  sqlite3_close_v2(handle_);
}

result<> database::configure() {
  // locking_mode comes first: set before the WAL is touched it keeps the index in memory, so no -shm file
  // exists.
  auto set = execute(
      "PRAGMA locking_mode=EXCLUSIVE;"
      "PRAGMA journal_mode=WAL;"
      "PRAGMA synchronous=FULL;"
      "PRAGMA wal_autocheckpoint=0;"
      "PRAGMA cell_size_check=ON;"
      "PRAGMA trusted_schema=OFF;"
      "PRAGMA mmap_size=0;"
      "PRAGMA foreign_keys=ON;"
      "PRAGMA cache_size=-4096;"
      "PRAGMA temp_store=MEMORY;"
      "BEGIN EXCLUSIVE; COMMIT;");
  if (!set) return set.error();
  auto mode = prepare("PRAGMA journal_mode");
  if (!mode) return mode.error();
  auto row = mode->step();
  if (!row) return row.error();
  if (mode->text(0) != "wal") return error{errc::storage_failed, path_ + " cannot use a write-ahead log"};
  // After wal_autocheckpoint, which uses the same hook.
  sqlite3_wal_hook(
      handle_,
      [](void* self, sqlite3*, const char*, int pages) {
        static_cast<database*>(self)->wal_pages_ = pages;
        return SQLITE_OK;
      },
      this);
  return {};
}

result<> database::migrate(std::span<const migration> migrations) {
  auto query = prepare("PRAGMA user_version");
  if (!query) return query.error();
  auto row = query->step();
  if (!row) return row.error();
  auto present = static_cast<int>(query->integer(0));
  query->reset();
  int newest = migrations.empty() ? 0 : migrations.back().version;
  if (present > newest)
    return error{errc::storage_newer, path_ + " has schema " + std::to_string(present) +
                                          ", this program knows up to " + std::to_string(newest)};
  if (present == newest) return {};
  if (auto begun = begin(); !begun) return begun.error();
  for (auto& m : migrations) {
    if (m.version <= present) continue;
    if (auto done = execute(std::string(m.sql)); !done) {
      rollback();
      return done.error();
    }
  }
  if (auto done = execute("PRAGMA user_version=" + std::to_string(newest)); !done) {
    rollback();
    return done.error();
  }
  return commit();
}

result<statement> database::prepare(std::string_view sql) {
  statement s;
  s.owner_ = this;
  sqlite3_stmt* handle = nullptr;
  int code = sqlite3_prepare_v3(handle_, sql.data(), static_cast<int>(sql.size()), SQLITE_PREPARE_PERSISTENT,
                                &handle, nullptr);
  s.handle_.reset(handle);
  if (code != SQLITE_OK) return failure(code, sql);
  return s;
}

error database::refusal() const {
  return {errc::storage_failed, path_ + " failed before and is not written any more"};
}

result<> database::execute(const std::string& sql) {
  if (failed_) return refusal();
  int code = sqlite3_exec(handle_, sql.c_str(), nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) return failure(code, std::string_view(sql).substr(0, 60));
  return {};
}

result<> database::run_again(statement& s, std::string_view sql) {
  if (failed_) return refusal();
  if (!s.handle_) {
    auto made = prepare(sql);
    if (!made) return made.error();
    s = std::move(*made);
  }
  return s.run();
}

result<> database::begin() { return run_again(begin_, "BEGIN IMMEDIATE"); }

result<> database::commit() { return run_again(commit_, "COMMIT"); }

result<> database::mark() { return run_again(mark_, "SAVEPOINT mark"); }

result<> database::back_to_mark() { return run_again(back_to_mark_, "ROLLBACK TO mark"); }

result<> database::unmark() { return run_again(unmark_, "RELEASE mark"); }

void database::rollback() {
  if (in_transaction()) sqlite3_exec(handle_, "ROLLBACK", nullptr, nullptr, nullptr);
}

result<> database::checkpoint() {
  if (failed_) return refusal();
  int in_log = 0, moved = 0;
  int code = sqlite3_wal_checkpoint_v2(handle_, nullptr, SQLITE_CHECKPOINT_PASSIVE, &in_log, &moved);
  if (code != SQLITE_OK) return failure(code, "checkpoint");
  wal_pages_ = in_log - moved;
  return {};
}

error database::failure(int code, std::string_view doing) {
  std::string detail(doing);
  detail += ": ";
  // What did not go through the connection, the connection knows no words for.
  bool knows = handle_ && (sqlite3_errcode(handle_) & 0xff) == (code & 0xff);
  detail += knows ? sqlite3_errmsg(handle_) : sqlite3_errstr(code);
  switch (code & 0xff) {
    case SQLITE_FULL: return {errc::storage_full, detail};
    case SQLITE_BUSY:
    case SQLITE_LOCKED: return {errc::storage_locked, path_ + " is in use by another process"};
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB: return {errc::journal_damaged, detail};
    case SQLITE_IOERR: {
      // A write that found no room did no harm; a flush that found none has lost what it should have written.
      if (code == SQLITE_IOERR_WRITE && handle_ && found_no_room(handle_))
        return {errc::storage_full, detail};
      // After a failed flush the kernel may have dropped the pages and call them clean; only what was
      // acknowledged before is known to be there.
      if (!failed_)
        log(log_level::error, "The disk failed under the database; it is not written any more",
            {{"database", path_}});
      failed_ = true;
      return {errc::storage_failed, detail};
    }
    case SQLITE_READONLY:
    case SQLITE_CANTOPEN: return {errc::storage_failed, detail};
    default: return {errc::internal, detail};
  }
}

result<std::unique_ptr<database_backup>> database_backup::begin(database& from, const std::string& to_path) {
  for (auto* part : {"", "-wal", "-journal"}) ::unlink((to_path + part).c_str());
  // With the mode of the original; SQLite would take the umask's.
  unique_fd made(::open(to_path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!made) return error{errc::storage_failed, "create " + to_path + ": " + errno_text(errno)};
  made.reset();
  std::unique_ptr<database_backup> b(new database_backup(from));
  int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
  auto refused = [&] {
    return error{errc::storage_failed, "copy to " + to_path + ": " + sqlite3_errmsg(b->to_)};
  };
  if (sqlite3_open_v2(to_path.c_str(), &b->to_, flags, nullptr) != SQLITE_OK) return refused();
  if (sqlite3_exec(b->to_, "PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF", nullptr, nullptr, nullptr) !=
      SQLITE_OK)
    return refused();
  b->handle_ = sqlite3_backup_init(b->to_, "main", from.handle_, "main");
  if (!b->handle_) return refused();
  return b;
}

database_backup::~database_backup() {
  sqlite3_backup_finish(handle_);
  sqlite3_close_v2(to_);
}

result<bool> database_backup::step(int pages) {
  int code = sqlite3_backup_step(handle_, pages);
  if (code == SQLITE_OK) return false;
  if (code == SQLITE_DONE) code = sqlite3_backup_finish(std::exchange(handle_, nullptr));
  if (code == SQLITE_OK) code = sqlite3_close_v2(std::exchange(to_, nullptr));
  if (code == SQLITE_OK) return true;
  // Which of the two disks it was is not told; a read of the original that fails is met by others too.
  if ((code & 0xff) == SQLITE_FULL) return error{errc::storage_full, "the disk of the copy is full"};
  return error{errc::storage_failed, std::string("the copy failed: ") + sqlite3_errstr(code)};
}

void ballast::restore() {
  struct stat found {};
  if (::stat(path_.c_str(), &found) == 0 && found.st_size >= size_ && found.st_blocks * 512 >= size_) {
    present_ = true;
    return;
  }
  present_ = false;
  struct statvfs fs {};
  auto folder = std::filesystem::path(path_).parent_path().string();
  if (::statvfs(folder.c_str(), &fs) != 0) return;
  if (static_cast<std::int64_t>(fs.f_bavail) * static_cast<std::int64_t>(fs.f_frsize) < 2 * size_) return;
  unique_fd fd(::open(path_.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!fd) return;
  if (::posix_fallocate(fd.get(), 0, size_) != 0 || ::fsync(fd.get()) != 0) {
    ::unlink(path_.c_str());
    return;
  }
  present_ = true;
}

void ballast::release() {
  ::unlink(path_.c_str());
  present_ = false;
}

}  // namespace tilld::base
