// SQLite the way tilld keeps money in it.
//
// One connection in one process owns the file (Debian's 3.40.1 has a corruption race with two connections in
// WAL mode), so locking is EXCLUSIVE and no shared-memory file exists. WAL with synchronous=FULL: when
// commit() returned, the rows are on the disk. No automatic checkpoint, because SQLite's swallows errors of
// the flush; checkpoint() is called by the owner and reports them. A failed flush means that the file is not
// trusted any more: failed() stays true and every later write is refused. docs/durability.md has the
// measurements behind each of these.
//
// [one thread at a time; the owner may hand the whole object to another thread between two calls]
#pragma once

#include <sqlite3.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.hpp"
#include "base/error.hpp"

namespace tilld::base {

class database;

// A prepared statement with its bindings. Prepared once, run often: bind(...), then step() until it yields
// false.
class statement {
 public:
  statement() = default;

  // Binds all parameters in order: integers, std::string_view, byte_view, std::optional of these, nullptr.
  // Resets first. Texts and blobs are copied.
  template <class... Values>
  statement& bind(const Values&... values) {
    reset();
    int at = 0;
    (bind_one(++at, values), ...);
    return *this;
  }

  // Binds the current row of another statement column by column, whatever its types: for copies of tables
  // whose columns are not known here.
  statement& bind_row(const statement& from);
  int columns() const { return sqlite3_column_count(handle_.get()); }
  std::size_t row_octets() const;  // of the texts and blobs in the current row

  // True when a row is there, false at the end (the statement is then reset).
  result<bool> step();
  // For statements that yield no row.
  result<> run();
  void reset();

  std::int64_t integer(int column) const { return sqlite3_column_int64(handle_.get(), column); }
  std::string text(int column) const;
  byte_view blob(int column) const;  // valid until the next step() or reset()
  bool is_null(int column) const { return sqlite3_column_type(handle_.get(), column) == SQLITE_NULL; }
  template <std::size_t N>
  std::array<std::uint8_t, N> array(int column) const {
    std::array<std::uint8_t, N> out{};
    auto b = blob(column);
    if (b.size() == N) std::copy(b.begin(), b.end(), out.begin());
    return out;
  }

 private:
  friend class database;
  void bind_one(int at, std::int64_t v) { sqlite3_bind_int64(handle_.get(), at, v); }
  void bind_one(int at, std::uint64_t v) {
    sqlite3_bind_int64(handle_.get(), at, static_cast<std::int64_t>(v));
  }
  void bind_one(int at, int v) { sqlite3_bind_int64(handle_.get(), at, v); }
  void bind_one(int at, unsigned v) { sqlite3_bind_int64(handle_.get(), at, v); }
  void bind_one(int at, std::nullptr_t) { sqlite3_bind_null(handle_.get(), at); }
  void bind_one(int at, std::string_view v);
  void bind_one(int at, const char* v) { bind_one(at, std::string_view(v)); }
  void bind_one(int at, byte_view v);
  template <std::size_t N>
  void bind_one(int at, const std::array<std::uint8_t, N>& v) {
    bind_one(at, byte_view(v));
  }
  void bind_one(int at, const byte_string& v) { bind_one(at, byte_view(v)); }
  void bind_one(int at, const std::string& v) { bind_one(at, std::string_view(v)); }
  template <class T>
  void bind_one(int at, const std::optional<T>& v) {
    if (v)
      bind_one(at, *v);
    else
      bind_one(at, nullptr);
  }

  struct finalize {
    void operator()(sqlite3_stmt* s) const { sqlite3_finalize(s); }
  };
  std::unique_ptr<sqlite3_stmt, finalize> handle_;
  database* owner_ = nullptr;
};

// A numbered change of the schema; `sql` may hold several statements.
struct migration {
  int version;
  std::string_view sql;
};

class database {
 public:
  struct options {
    // Folder and file are made when missing, mode 0700 and 0600.
    bool create = true;
    // Name of a registered SQLite VFS; tests use one that withholds or fails a flush.
    const char* vfs = nullptr;
  };

  // storage_locked when another process owns the file, storage_newer when its schema is newer than the last
  // migration, journal_damaged when it is not a database. Runs the missing migrations in one transaction.
  static result<std::unique_ptr<database>> open(const std::string& path,
                                                std::span<const migration> migrations, const options& how);
  ~database();
  database(const database&) = delete;

  result<statement> prepare(std::string_view sql);
  result<> execute(const std::string& sql);

  result<> begin();
  result<> commit();
  // Never fails: a transaction that cannot be rolled back dies with the connection.
  void rollback();
  // One place inside a transaction to go back to: mark() sets it, back_to_mark() undoes what came after it
  // and leaves it set, unmark() forgets it.
  result<> mark();
  result<> back_to_mark();
  result<> unmark();
  bool in_transaction() const { return sqlite3_get_autocommit(handle_) == 0; }

  // Moves the WAL's pages into the file. Called by the owner when wal_pages() is large, and when idle.
  result<> checkpoint();
  int wal_pages() const { return wal_pages_; }

  // True after a read or write failed at the disk. Nothing is acknowledged from this file any more.
  bool failed() const { return failed_; }
  int changes() const { return sqlite3_changes(handle_); }
  const std::string& path() const { return path_; }

  // What a result code of SQLite means for tilld; remembers a failed disk.
  error failure(int code, std::string_view doing);

 private:
  friend class statement;
  friend class database_backup;
  explicit database(std::string path) : path_(std::move(path)) {}
  error refusal() const;  // of every write after the disk failed
  result<> configure();
  result<> run_again(statement& s, std::string_view sql);  // prepared at its first use
  result<> migrate(std::span<const migration> migrations);

  std::string path_;
  sqlite3* handle_ = nullptr;
  statement begin_, commit_, mark_, back_to_mark_, unmark_;
  int wal_pages_ = 0;
  bool failed_ = false;
};

// A copy of a database in another file, made in slices while the database is used; what is written meanwhile
// is in the copy too. The database must be the one of begin() for each step(); nobody else uses it at that
// moment. The copy is not flushed by step(), so that a slow second disk holds nobody up.
class database_backup {
 public:
  // A file that is there already is replaced.
  static result<std::unique_ptr<database_backup>> begin(database& from, const std::string& to_path);
  ~database_backup();
  database_backup(const database_backup&) = delete;

  // Copies at most so many pages; true when the copy is complete and closed.
  result<bool> step(int pages);

 private:
  explicit database_backup(database& from) : from_(from) {}
  database& from_;
  sqlite3* to_ = nullptr;
  sqlite3_backup* handle_ = nullptr;
};

// A file that does nothing but be there, so that its blocks can be given back when the disk is full: with no
// free block at all SQLite can neither insert nor delete nor checkpoint, and a queue could not even be
// drained.
class ballast {
 public:
  explicit ballast(std::string path, std::int64_t size = 8 << 20) : path_(std::move(path)), size_(size) {}
  // Makes the file whole if there is room for it and as much again.
  void restore();
  void release();
  bool present() const { return present_; }

 private:
  std::string path_;
  std::int64_t size_;
  bool present_ = false;
};

}  // namespace tilld::base
