// A till's journal.db. SQLite is only let near a copy: opening a database can write to it (the log, the
// lock), and what is judged must stay as it was found.
#include <fcntl.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <utility>

#include "verify/files.hpp"

namespace tilld::verify {
namespace {

namespace fs = std::filesystem;

// SQLite locks with fcntl, and the daemon holds its locks for as long as it runs. Asking changes nothing.
bool daemon_has_it(const std::string& path, std::string& failed) {
  int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) {
    failed = std::strerror(errno);
    return false;
  }
  struct flock asked {};
  asked.l_type = F_WRLCK;
  asked.l_whence = SEEK_SET;
  bool held = ::fcntl(fd, F_GETLK, &asked) == 0 && asked.l_type != F_UNLCK;
  ::close(fd);
  return held;
}

class scratch {
 public:
  scratch() {
    auto path = (fs::temp_directory_path() / "tilld-verify-XXXXXX").string();
    if (::mkdtemp(path.data())) folder_ = path;  // mode 0700
  }
  ~scratch() {
    std::error_code ignored;
    if (!folder_.empty()) fs::remove_all(folder_, ignored);
  }
  scratch(const scratch&) = delete;
  const std::string& folder() const { return folder_; }

 private:
  std::string folder_;
};

class query {
 public:
  query(sqlite3* db, const char* sql) { ::sqlite3_prepare_v2(db, sql, -1, &statement_, nullptr); }
  ~query() { ::sqlite3_finalize(statement_); }
  query(const query&) = delete;
  explicit operator bool() const { return statement_ != nullptr; }
  // SQLITE_ROW, SQLITE_DONE or an error.
  int step() { return ::sqlite3_step(statement_); }
  std::string_view octets(int column) const {
    auto* at = static_cast<const char*>(::sqlite3_column_blob(statement_, column));
    return {at ? at : "", static_cast<std::size_t>(::sqlite3_column_bytes(statement_, column))};
  }

 private:
  sqlite3_stmt* statement_ = nullptr;
};

// What the first record chains to: stored when the journal was begun behind another till's, or when its first
// part was moved into files.
head beginning(sqlite3* db) {
  query fact(db, "SELECT value FROM fact WHERE name = 'beginning'");
  if (!fact || fact.step() != SQLITE_ROW || fact.octets(0).size() < 44) return {};
  auto octets = fact.octets(0);
  return {static_cast<std::uint32_t>(number_at(octets, 0, 4)), number_at(octets, 4, 8),
          array_at<32>(octets, 12)};
}

void read_rows(chain& c, sqlite3* db) {
  query rows(db, "SELECT header, hash, body FROM journal ORDER BY sequence");
  if (!rows) return c.find(finding_kind::file_damaged, 0, "it is no journal of a till");
  bool begun = false;
  for (;;) {
    auto step = rows.step();
    if (step == SQLITE_DONE) break;
    if (step != SQLITE_ROW)
      return c.find(finding_kind::file_damaged, c.end().sequence + 1,
                    std::string("a page cannot be read: ") + ::sqlite3_errmsg(db));
    auto header = rows.octets(0);
    if (!std::exchange(begun, true)) {
      auto till = header.size() == 128 ? header.substr(64, 32) : std::string_view();
      c.begin(std::string(till.substr(0, till.find('\0'))), beginning(db));
    }
    auto claimed = rows.octets(1);
    if (claimed.size() != 32)
      return c.find(finding_kind::record_changed, c.end().sequence + 1, "the hash of a record is not one");
    c.take(header, array_at<32>(claimed, 0), rows.octets(2));
  }
  if (!begun) return c.find(finding_kind::file_damaged, 0, "it has no record");
}

// The till keeps the last word of each destination: the key (32) and the acknowledgement (148).
void read_words(chain& c, sqlite3* db) {
  query rows(db, "SELECT witness FROM destination ORDER BY name");
  while (rows && rows.step() == SQLITE_ROW) {
    auto octets = rows.octets(0);
    if (octets.size() != 180) continue;
    word w;
    w.by = word::signer::server;
    w.who = array_at<32>(octets, 0);
    w.where = {static_cast<std::uint32_t>(number_at(octets, 32, 4)), number_at(octets, 36, 8),
               array_at<32>(octets, 44)};
    w.central_sequence = number_at(octets, 76, 8);
    w.central_hash = array_at<32>(octets, 84);
    w.signature = array_at<64>(octets, 116);
    // Before the first record was acknowledged a destination has signed for nothing.
    if (w.where.sequence > 0) c.hear(w);
  }
}

}  // namespace

read_file read_database(const std::string& path) {
  std::string failed;
  const char* running = ": a daemon has it open; stop it first, or verify an export";
  if (daemon_has_it(path, failed)) return {nullptr, unreadable{path + running}};
  if (!failed.empty()) return {nullptr, unreadable{path + ": " + failed}};
  scratch at;
  if (at.folder().empty()) return {nullptr, unreadable{"no folder for a copy can be made"}};
  std::error_code problem;
  auto copy = at.folder() + "/journal.db";
  fs::copy_file(path, copy, problem);
  if (!problem && fs::exists(path + "-wal")) fs::copy_file(path + "-wal", copy + "-wal", problem);
  if (problem) return {nullptr, unreadable{path + ": " + problem.message()}};
  // Started in the meantime, it may have written while it was copied.
  if (daemon_has_it(path, failed)) return {nullptr, unreadable{path + running}};

  auto c = std::make_unique<chain>(path, chain::source::database);
  sqlite3* db = nullptr;
  if (::sqlite3_open_v2(copy.c_str(), &db, SQLITE_OPEN_READWRITE, nullptr) != SQLITE_OK) {
    c->find(finding_kind::file_damaged, 0, "it is no database");
  } else {
    read_rows(*c, db);
    read_words(*c, db);
  }
  ::sqlite3_close(db);
  return {std::move(c), std::nullopt};
}

}  // namespace tilld::verify
