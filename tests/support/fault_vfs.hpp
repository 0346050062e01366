// A disk that fails on order: a SQLite VFS that lies over the real one, so that the code under test runs
// unchanged.
//
// It can fail the n-th write, sync or truncation, once or from then on; hold every sync until it is released,
// which shows whether something was acknowledged too early; and cut the power at the n-th change. It
// remembers for each file what a sync covered and what only the page cache knew, and lays out the disk as it
// might look after the cut. A sync is counted and modelled, and does not reach the real disk: the tests need
// the order, not the wait.
//
// The object must outlive every connection that uses it. [any thread]
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

namespace tilld::tests {

class fault_vfs {
 public:
  enum class operation { write, sync, truncate, read };
  enum class repeat { once, for_ever };
  // What the platter holds after a power cut, of the writes that no sync covered.
  enum class unsynced { none, all, some, torn };

  fault_vfs();
  ~fault_vfs();
  fault_vfs(const fault_vfs&) = delete;

  // For database::options::vfs.
  const char* name() const;

  // The n-th such operation from now on (from 1) fails with this errno, and SQLite is told so as its own VFS
  // does: a write without room is SQLITE_FULL, all else SQLITE_IOERR. A failed sync drops what it should have
  // covered, as ext4 and xfs do: a later sync that succeeds does not bring it to the disk.
  void fail(operation what, int nth, int error_number, repeat how = repeat::once);
  // Whether what was ordered last for it has happened.
  bool met(operation what) const;
  // Forgets what was ordered with fail().
  void heal();

  // From now on a sync waits until release_syncs(), from another thread.
  void hold_syncs();
  void release_syncs();
  // True as soon as a sync is being held, false when none came within the time.
  bool wait_for_held_sync(std::chrono::milliseconds at_most);

  int writes() const;  // begun so far, the failed ones included
  int syncs() const;
  int syncs_done() const;  // came back without an error

  // The n-th change from now on (a write, sync, truncation or deletion) and all after it do not happen any
  // more.
  void cut_power_at(int nth_change);
  bool power_is_cut() const;
  // Writes the files into this folder under their own names as a machine would find them after the cut. The
  // seed decides what is random in `some` and `torn`.
  void lay_out_disk(const std::string& folder, unsynced how, std::uint64_t seed) const;

  struct state;

 private:
  std::unique_ptr<state> state_;
};

}  // namespace tilld::tests
