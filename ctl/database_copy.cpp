#include "ctl/database_copy.hpp"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <memory>
#include <optional>

#include "base/file.hpp"
#include "base/sqlite.hpp"

namespace tilld::ctl {

using base::errc;
using base::error;
using base::result;
using wire::chain_report;

namespace {

// The schema that this program can read. The daemon's migrations only add to the table `journal`; one that
// does not raises this number together with the statement below.
constexpr base::migration known_schema[] = {{2, ""}};

error refusal(const std::string& path, int error_number) {
  return {errc::file_refused, path + ": " + base::errno_text(error_number)};
}

class folder_of_copies {
 public:
  static result<std::unique_ptr<folder_of_copies>> make() {
    std::error_code failed;
    auto parent = std::filesystem::temp_directory_path(failed);
    auto path = ((failed ? std::filesystem::path("/tmp") : parent) / "tillctl-XXXXXX").string();
    if (!::mkdtemp(path.data())) return refusal(path, errno);  // mode 0700
    return std::unique_ptr<folder_of_copies>(new folder_of_copies(path));
  }
  ~folder_of_copies() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  std::string file(const std::string& name) const { return path_ + "/" + name; }

 private:
  explicit folder_of_copies(std::string path) : path_(std::move(path)) {}
  std::string path_;
};

// SQLite locks with fcntl, and the daemon holds its locks for as long as it runs. Asking changes nothing.
result<bool> is_locked(int fd, const std::string& path) {
  struct flock asked {};
  asked.l_type = F_WRLCK;
  asked.l_whence = SEEK_SET;
  if (::fcntl(fd, F_GETLK, &asked) != 0) return refusal(path, errno);
  return asked.l_type != F_UNLCK;
}

result<> copy(int from, const std::string& from_path, const std::string& to_path) {
  base::unique_fd to(::open(to_path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!to) return refusal(to_path, errno);
  std::string chunk(1 << 20, '\0');
  for (;;) {
    auto n = ::read(from, chunk.data(), chunk.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return refusal(from_path, errno);
    if (n == 0) return {};
    for (std::string_view left(chunk.data(), static_cast<std::size_t>(n)); !left.empty();) {
      auto written = ::write(to.get(), left.data(), left.size());
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) return refusal(to_path, errno);
      left.remove_prefix(static_cast<std::size_t>(written));
    }
  }
}

// What the first record chains to, where old ones were moved into files or another device had the name
// before.
base::chain_head beginning(base::database& db) {
  base::chain_head before;
  auto fact = db.prepare("SELECT value FROM fact WHERE name = 'beginning'");
  if (!fact) return before;
  auto row = fact->step();
  if (!row || !*row) return before;
  base::byte_reader r(fact->blob(0));
  before.epoch = r.u32();
  before.sequence = r.u64();
  before.hash = r.array<32>();
  return r.failed() ? base::chain_head() : before;
}

result<chain_report> read_copy(const std::string& path, const std::string& original) {
  base::database::options how;
  how.create = false;
  auto db = base::database::open(path, known_schema, how);
  if (!db) return db.error();
  auto rows = (*db)->prepare("SELECT header, hash, body FROM journal ORDER BY sequence");
  if (!rows) return error{errc::journal_damaged, original + ": is no journal of a till"};
  std::optional<chain_report> report;
  for (;;) {
    auto row = rows->step();
    // A page that cannot be read ends the chain that can be vouched for.
    if (!row && report) {
      report->break_off(row.error().detail);
      return std::move(*report);
    }
    if (!row) return row.error();
    if (!*row) break;
    base::record r;
    bool fits = rows->blob(0).size() == r.header.size() && rows->blob(1).size() == r.hash.size();
    r.header = rows->array<base::record_header_size>(0);
    r.hash = rows->array<32>(1);
    r.body = std::string(base::as_text(rows->blob(2)));
    auto header = r.decoded();
    if (!report) report.emplace(header ? header->till : std::string("unknown"), beginning(**db));
    if (!fits) report->break_off("header or hash of a record does not have its size");
    if (!report->take(r)) return std::move(*report);
  }
  if (!report) return error{errc::journal_damaged, original + ": has no record"};
  // What a destination acknowledged was there once; a chain that ends before it lost its tail.
  auto cursors = (*db)->prepare("SELECT name, sequence FROM destination");
  while (cursors && report->whole()) {
    auto row = cursors->step();
    if (!row || !*row) break;
    if (auto sequence = static_cast<std::uint64_t>(cursors->integer(1)); sequence > report->head().sequence)
      report->break_off(cursors->text(0) + " has acknowledged record " + std::to_string(sequence) +
                        "; the journal ends before it");
  }
  return std::move(*report);
}

}  // namespace

result<chain_report> verify_database(const std::string& path) {
  base::unique_fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) return refusal(path, errno);
  auto locked = is_locked(file.get(), path);
  if (!locked) return locked.error();
  if (*locked)
    return error{errc::storage_locked, path + ": a daemon has it open; ask it with tillctl journal verify"};
  auto folder = folder_of_copies::make();
  if (!folder) return folder.error();
  if (auto done = copy(file.get(), path, (*folder)->file("journal.db")); !done) return done.error();
  auto log_path = path + "-wal";
  base::unique_fd log(::open(log_path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!log && errno != ENOENT) return refusal(log_path, errno);
  if (log)
    if (auto done = copy(log.get(), log_path, (*folder)->file("journal.db-wal")); !done) return done.error();
  // Started in the meantime, it may have written while it was copied.
  if (locked = is_locked(file.get(), path); !locked) return locked.error();
  if (*locked)
    return error{errc::storage_locked,
                 path + ": a daemon was started meanwhile; ask it with tillctl journal verify"};
  return read_copy((*folder)->file("journal.db"), path);
}

}  // namespace tilld::ctl
