// A database whose flush failed is finished: what the kernel shows of it may never have reached the disk.
// What was acknowledged is still readable, so everything is copied to a fresh file, the fresh file is flushed
// and held against what memory knows was acknowledged, and then takes the old one's name.
//
// The name changes in steps between which the machine may die. The fresh file is called journal.fresh until
// it is complete and flushed, and is thrown away when it is found under that name. It is then called
// journal.next; from there on it is the journal, and settle_files() at the next start completes the change:
// the log of the old file goes, for it would be replayed into the new one, and journal.next becomes
// journal.db. Nothing is acknowledged before that name is durable, so a machine that dies in between finds an
// old file or a new one that both hold everything that was acknowledged.
//
// [the thread that owns the connection]
#pragma once

#include <memory>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/sqlite.hpp"
#include "daemon/store/row_walk.hpp"

namespace tilld::daemon {

// What memory knows was acknowledged and must be in the copy.
struct acknowledged_state {
  std::string till;
  journal_beginning beginning;
  base::chain_head head;      // the last record
  std::uint64_t settled = 0;  // up to this one the log was moved into the file: damage behind it is a loss
  std::vector<row_trace> written;  // other rows since then, in order
};

class fresh_copy {
 public:
  // `from` must outlive the copy. A file that an earlier try left behind is thrown away.
  static base::result<std::unique_ptr<fresh_copy>> begin(const std::string& folder, base::database& from,
                                                         const char* vfs, acknowledged_state must_hold);
  ~fresh_copy();

  // Copies or verifies one slice; at most 1 MiB or so, and a flush. True when all is copied, flushed and
  // verified. An error ends the copy: storage_failed when the disk fails again, storage_full when there is no
  // room for it, journal_damaged when something that was acknowledged is not in it.
  base::result<bool> step();

  // After step() said true: gives the copy the name of the old file, durably, and opens it there.
  base::result<std::unique_ptr<base::database>> put_in_place();

  // Rows that were damaged before and were copied as they are.
  const std::vector<damage>& found() const { return found_; }

 private:
  fresh_copy(std::string folder, base::database& from, const char* vfs, acknowledged_state must_hold);
  base::result<> open_fresh();
  base::result<> list_tables();
  base::result<> open_table();
  base::result<> copy_slice();
  base::result<bool> verify_journal();
  base::result<bool> verify_rows();

  enum class phase { copies, flushes, verifies_journal, verifies_rows, complete };

  std::string folder_;
  base::database& from_;
  const char* vfs_;
  acknowledged_state must_hold_;
  std::unique_ptr<base::database> to_;
  phase phase_ = phase::copies;

  std::vector<std::string> tables_;
  std::size_t table_ = 0;
  base::statement read_, write_;
  bool reading_ = false;

  std::unique_ptr<journal_walk> journal_;
  std::unique_ptr<row_walk> rows_;
  std::unordered_map<std::uint64_t, std::optional<check_octets>> expected_;
  std::vector<damage> found_;
};

// Before the database is opened: completes a change of the file that a crash interrupted, or throws away what
// was not complete.
base::result<> settle_files(const std::string& folder);

// A note beside the database that its last flush failed. It is not flushed, nor has it to be: what it warns
// of is the memory of a kernel that still runs, and the note lives as long as that.
void note_distrust(const std::string& folder);
bool is_distrusted(const std::string& folder);

}  // namespace tilld::daemon
