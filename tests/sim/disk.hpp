// The disk of a simulated machine, as the world sees it: what can go wrong with it, what a power cut leaves,
// and what stands on it so firmly that no power cut takes it away. What the process sees is the store's own
// interface: in log_disk.cpp a log of transactions that takes SQLite's place, in sqlite_disk.cpp SQLite
// itself on files in memory.
#pragma once

#include <memory>
#include <string>

#include "base/record.hpp"
#include "daemon/store/rows.hpp"

namespace tilld::sim {

class machine;

struct disk_faults {
  std::uint64_t sync_ms_max = 0;  // a flush takes up to so long, and the process with it
  bool full = false;
  bool sync_fails = false;  // every flush, until somebody changes the disk
};

// What a copy of the whole disk holds.
class disk_image {
 public:
  virtual ~disk_image() = default;
};

enum class death { killed, power_cut };

class disk {
 public:
  virtual ~disk() = default;
  disk_faults faults;

  virtual std::string path(const std::string& file) const = 0;
  // Of SQLite; null where there is none.
  virtual const char* vfs() const { return nullptr; }

  // The process is gone, at this very moment: nothing that it does from now on changes anything. A power cut
  // takes what was not flushed, or leaves some of it.
  virtual void process_died(death how) = 0;
  virtual std::shared_ptr<const disk_image> copy() const = 0;
  virtual void restore(const disk_image& from) = 0;

  // Whether a power cut now would leave this: a record, the answer of a call that is done, a till's record.
  virtual bool keeps_record(std::uint64_t sequence) const = 0;
  virtual bool keeps_answer(const daemon::operation_key& key) const = 0;
  virtual bool keeps_at_central(const std::string& till, const base::chain_head& head) const = 0;
};

std::unique_ptr<disk> make_disk(machine& owner);

}  // namespace tilld::sim
