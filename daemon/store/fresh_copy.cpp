#include "daemon/store/fresh_copy.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>

#include "base/file.hpp"

namespace tilld::daemon {

using base::errc;
using base::error;
using base::result;

std::span<const base::migration> journal_migrations();

namespace {

constexpr int rows_in_a_slice = 2000;
constexpr std::size_t copied_octets_in_a_slice = 1 << 20;
constexpr int log_pages_of_a_copy = 1024;
constexpr const char* side_files[] = {"-wal", "-journal"};

std::string current_name(const std::string& folder) { return folder + "/journal.db"; }
std::string fresh_name(const std::string& folder) { return folder + "/journal.fresh"; }
std::string next_name(const std::string& folder) { return folder + "/journal.next"; }
std::string distrust_name(const std::string& folder) { return folder + "/journal.distrusted"; }

error file_failure(const std::string& doing, const std::string& path) {
  return {errc::storage_failed, doing + " " + path + ": " + base::errno_text(errno)};
}

result<> remove_file(const std::string& path) {
  if (::unlink(path.c_str()) != 0 && errno != ENOENT) return file_failure("remove", path);
  return {};
}

result<> rename_file(const std::string& from, const std::string& to) {
  if (::rename(from.c_str(), to.c_str()) != 0) return file_failure("rename " + from + " to", to);
  return base::sync_folder_of(to);
}

result<> remove_with_side_files(const std::string& path) {
  for (auto* side : side_files)
    if (auto gone = remove_file(path + side); !gone) return gone;
  return remove_file(path);
}

// The log of the old file first, durably: found beside the new file it would be replayed into it.
result<> next_becomes_current(const std::string& folder) {
  auto current = current_name(folder);
  for (auto* side : side_files)
    if (auto gone = remove_file(current + side); !gone) return gone;
  if (auto synced = base::sync_folder_of(current); !synced) return synced;
  return rename_file(next_name(folder), current);
}

std::string table_named(const std::string& name) {
  std::string out = "\"";
  for (char c : name) {
    if (c == '"') out += '"';
    out += c;
  }
  return out + "\"";
}

}  // namespace

fresh_copy::fresh_copy(std::string folder, base::database& from, const char* vfs,
                       acknowledged_state must_hold)
    : folder_(std::move(folder)), from_(from), vfs_(vfs), must_hold_(std::move(must_hold)) {
  for (auto& w : must_hold_.written) expected_[w.row] = w.check;
  must_hold_.written = {};
}

fresh_copy::~fresh_copy() {
  if (!to_) return;
  read_ = {};
  write_ = {};
  journal_.reset();
  rows_.reset();
  to_.reset();
  (void)remove_with_side_files(fresh_name(folder_));
}

result<std::unique_ptr<fresh_copy>> fresh_copy::begin(const std::string& folder, base::database& from,
                                                      const char* vfs, acknowledged_state must_hold) {
  std::unique_ptr<fresh_copy> c(new fresh_copy(folder, from, vfs, std::move(must_hold)));
  if (auto gone = remove_with_side_files(fresh_name(folder)); !gone) return gone.error();
  if (auto opened = c->open_fresh(); !opened) return opened.error();
  if (auto listed = c->list_tables(); !listed) return listed.error();
  return c;
}

result<> fresh_copy::open_fresh() {
  base::database::options how;
  how.vfs = vfs_;
  auto opened = base::database::open(fresh_name(folder_), journal_migrations(), how);
  if (!opened) return opened.error();
  to_ = std::move(*opened);
  return {};
}

result<> fresh_copy::list_tables() {
  auto names = from_.prepare(
      "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name");
  if (!names) return names.error();
  for (;;) {
    auto row = names->step();
    if (!row) return row.error();
    if (!*row) return {};
    tables_.push_back(names->text(0));
  }
}

result<> fresh_copy::open_table() {
  auto read = from_.prepare("SELECT * FROM " + table_named(tables_[table_]));
  if (!read) return read.error();
  std::string places = "?";
  for (int i = 1; i < read->columns(); ++i) places += ",?";
  // A migration may have put rows into the fresh file; what counts is what the old one has.
  if (auto emptied = to_->execute("DELETE FROM " + table_named(tables_[table_])); !emptied) return emptied;
  auto write = to_->prepare("INSERT INTO " + table_named(tables_[table_]) + " VALUES (" + places + ")");
  if (!write) return write.error();
  read_ = std::move(*read);
  write_ = std::move(*write);
  reading_ = true;
  return {};
}

// The statement that reads stays open from slice to slice; nobody writes to what it reads any more.
result<> fresh_copy::copy_slice() {
  if (auto begun = to_->begin(); !begun) return begun;
  std::size_t octets = 0;
  for (int rows = 0; rows < rows_in_a_slice && octets < copied_octets_in_a_slice; ++rows) {
    if (table_ == tables_.size()) break;
    if (!reading_)
      if (auto opened = open_table(); !opened) return opened;
    auto row = read_.step();
    if (!row) return row.error();
    if (!*row) {
      ++table_;
      reading_ = false;
      continue;
    }
    octets += read_.row_octets();
    if (auto written = write_.bind_row(read_).run(); !written) return written;
  }
  if (auto committed = to_->commit(); !committed) return committed;
  if (to_->wal_pages() >= log_pages_of_a_copy) return to_->checkpoint();
  return {};
}

result<bool> fresh_copy::step() {
  switch (phase_) {
    case phase::copies:
      if (auto copied = copy_slice(); !copied) return copied.error();
      if (table_ == tables_.size()) phase_ = phase::flushes;
      return false;
    case phase::flushes:
      read_ = {};
      write_ = {};
      if (auto moved = to_->checkpoint(); !moved) return moved.error();
      // Opened again, so that what is verified is what the file holds and not what a connection remembers.
      to_.reset();
      if (auto opened = open_fresh(); !opened) return opened.error();
      journal_ = std::make_unique<journal_walk>(must_hold_.till, must_hold_.beginning);
      rows_ = std::make_unique<row_walk>();
      phase_ = phase::verifies_journal;
      return false;
    case phase::verifies_journal: {
      auto done = verify_journal();
      if (!done) return done.error();
      if (*done) phase_ = phase::verifies_rows;
      return false;
    }
    case phase::verifies_rows: {
      auto done = verify_rows();
      if (!done) return done.error();
      if (*done) phase_ = phase::complete;
      return *done;
    }
    case phase::complete: return true;
  }
  return true;
}

result<bool> fresh_copy::verify_journal() {
  if (must_hold_.head.sequence > must_hold_.beginning.at.sequence) {
    auto before = found_.size();
    auto more = journal_->next(*to_, rows_in_a_slice, must_hold_.head.sequence, found_);
    if (!more) return more.error();
    for (auto i = before; i < found_.size(); ++i)
      if (found_[i].sequence > must_hold_.settled)
        return error{errc::journal_damaged, "the copy does not hold what was acknowledged: " +
                                                found_[i].what + ": " + found_[i].why};
    if (*more) return false;
    if (journal_->at().sequence != must_hold_.head.sequence || journal_->at().hash != must_hold_.head.hash)
      return error{errc::journal_damaged, "the copy does not end with the record that was acknowledged last"};
  }
  journal_.reset();
  return true;
}

result<bool> fresh_copy::verify_rows() {
  auto seen = rows_->next(*to_, rows_in_a_slice);
  if (!seen) return seen.error();
  for (auto& row : *seen) {
    auto expected = expected_.find(row.trace.row);
    bool was_written = expected != expected_.end();
    if (was_written && (!row.whole || expected->second != row.trace.check))
      return error{errc::journal_damaged, "the copy holds a row that is not what was acknowledged"};
    if (was_written) expected_.erase(expected);
    if (!row.whole) found_.push_back({row.name, "its check does not fit", 0});
  }
  if (!seen->empty()) return false;
  for (auto& [row, check] : expected_)
    if (check) return error{errc::journal_damaged, "a row that was acknowledged is not in the copy"};
  rows_.reset();
  return true;
}

result<std::unique_ptr<base::database>> fresh_copy::put_in_place() {
  // A log that was moved is deleted when the last connection closes.
  if (auto moved = to_->checkpoint(); !moved) return moved.error();
  to_.reset();
  for (auto* side : side_files)
    if (::access((fresh_name(folder_) + side).c_str(), F_OK) == 0)
      return error{errc::storage_failed, "the log of the fresh file could not be removed"};
  if (auto named = rename_file(fresh_name(folder_), next_name(folder_)); !named) return named.error();
  if (auto done = next_becomes_current(folder_); !done) return done.error();
  (void)remove_file(distrust_name(folder_));
  base::database::options how;
  how.vfs = vfs_;
  how.create = false;
  return base::database::open(current_name(folder_), journal_migrations(), how);
}

result<> settle_files(const std::string& folder) {
  std::error_code ignored;
  if (std::filesystem::exists(next_name(folder), ignored)) return next_becomes_current(folder);
  return remove_with_side_files(fresh_name(folder));
}

void note_distrust(const std::string& folder) {
  base::unique_fd made(::open(distrust_name(folder).c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
}

bool is_distrusted(const std::string& folder) {
  std::error_code ignored;
  return std::filesystem::exists(distrust_name(folder), ignored);
}

}  // namespace tilld::daemon
