// The disk of a simulated machine with SQLite on it: an SQLite VFS whose files lie in memory, twice. Once as
// the process sees them, through the kernel's memory, and once as they lie on the medium; between the two
// stand the writes that were not flushed. A power cut drops, keeps or tears each of them by sectors; a kill
// does not touch them. At every write and flush the process may die. The store, its rows, their SQL and
// SQLite itself are those of the product.
#include <sqlite3.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <map>
#include <vector>

#include "tests/sim/machine.hpp"

namespace tilld::sim {
namespace {

constexpr std::size_t sector = 512;

struct unflushed {
  bool truncation = false;
  std::size_t at = 0;  // the offset, or the size to cut to
  std::string octets;
  bool dropped = false;   // its flush failed, and no later one will take it along
  bool given_up = false;  // of a commit for which there was no room: nobody was promised anything
};

void write_over(const unflushed& c, std::string& to) {
  if (c.truncation) {
    to.resize(c.at);
    return;
  }
  if (to.size() < c.at + c.octets.size()) to.resize(c.at + c.octets.size());
  to.replace(c.at, c.octets.size(), c.octets);
}

struct memory_file {
  std::string seen, medium;
  std::vector<unflushed> between;
};

using memory_files = std::map<std::string, memory_file, std::less<>>;

struct memory_image final : disk_image {
  memory_files files;
};

class sqlite_disk;

// SQLite hands out the memory.
struct open_file {
  sqlite3_file base;
  sqlite_disk* owner;
  memory_file* what;
  memory_file* temporary;
  int last_error;
  unsigned life;
};

class sqlite_disk final : public disk {
 public:
  explicit sqlite_disk(machine& owner);
  ~sqlite_disk() override;

  std::string path(const std::string& file) const override {
    return file.empty() ? folder_ : folder_ + "/" + file;
  }
  const char* vfs() const override { return name_.c_str(); }

  void process_died(death how) override;
  std::shared_ptr<const disk_image> copy() const override;
  void restore(const disk_image& from) override;

  // What is not on the medium lies between; rows cannot be told apart here. What a dead process left half
  // written says nothing about what it had flushed.
  bool flushed() const;
  bool keeps_record(std::uint64_t) const override { return flushed(); }
  bool keeps_answer(const daemon::operation_key&) const override { return flushed(); }
  bool keeps_at_central(const std::string&, const base::chain_head&) const override { return flushed(); }

  // From the VFS. A process that died goes on for a moment, and nothing that it does counts.
  bool ghost(const open_file& f) const { return f.life != life_; }
  unsigned life() const { return life_; }
  bool dying() const { return owner_.dying(); }
  int write(open_file& f, const void* from, std::size_t size, std::size_t at);
  int truncate(open_file& f, std::size_t size);
  int sync(open_file& f);
  memory_file* find(std::string_view name) {
    auto at = files_.find(name);
    return at == files_.end() ? nullptr : &at->second;
  }
  memory_file* make(const std::string& name) { return &files_[name]; }
  void remove(std::string_view name) {
    if (auto at = files_.find(name); at != files_.end()) files_.erase(at);
  }

 private:
  void lose_power();

  machine& owner_;
  std::string folder_, name_;
  sqlite3_vfs vfs_{};
  memory_files files_;
  unsigned life_ = 1;
};

open_file& of(sqlite3_file* f) { return *reinterpret_cast<open_file*>(f); }

int close_memory(sqlite3_file* f) {
  delete of(f).temporary;
  return SQLITE_OK;
}

int read_memory(sqlite3_file* f, void* to, int size, sqlite3_int64 at) {
  auto& seen = of(f).what->seen;
  auto from = static_cast<std::size_t>(at), wanted = static_cast<std::size_t>(size);
  auto there = from < seen.size() ? std::min(wanted, seen.size() - from) : 0;
  if (there > 0) std::memcpy(to, seen.data() + from, there);
  if (there == wanted) return SQLITE_OK;
  std::memset(static_cast<char*>(to) + there, 0, wanted - there);
  return SQLITE_IOERR_SHORT_READ;
}

int write_memory(sqlite3_file* f, const void* from, int size, sqlite3_int64 at) {
  return of(f).owner->write(of(f), from, static_cast<std::size_t>(size), static_cast<std::size_t>(at));
}
int truncate_memory(sqlite3_file* f, sqlite3_int64 size) {
  return of(f).owner->truncate(of(f), static_cast<std::size_t>(size));
}
int sync_memory(sqlite3_file* f, int) { return of(f).owner->sync(of(f)); }
int size_of_memory(sqlite3_file* f, sqlite3_int64* size) {
  *size = static_cast<sqlite3_int64>(of(f).what->seen.size());
  return SQLITE_OK;
}
int lock_memory(sqlite3_file*, int) { return SQLITE_OK; }
int is_reserved_memory(sqlite3_file*, int* out) {
  *out = 0;
  return SQLITE_OK;
}
int control_memory(sqlite3_file* f, int what, void* arg) {
  if (what != SQLITE_FCNTL_LAST_ERRNO) return SQLITE_NOTFOUND;
  *static_cast<int*>(arg) = of(f).last_error;
  return SQLITE_OK;
}
int sector_of_memory(sqlite3_file*) { return static_cast<int>(sector); }
// As SQLite's own VFS has it: a torn write spoils nothing beside it.
int traits_of_memory(sqlite3_file*) { return SQLITE_IOCAP_POWERSAFE_OVERWRITE; }

const sqlite3_io_methods memory_methods = {1,
                                           close_memory,
                                           read_memory,
                                           write_memory,
                                           truncate_memory,
                                           sync_memory,
                                           size_of_memory,
                                           lock_memory,
                                           lock_memory,
                                           is_reserved_memory,
                                           control_memory,
                                           sector_of_memory,
                                           traits_of_memory,
                                           nullptr,
                                           nullptr,
                                           nullptr,
                                           nullptr,
                                           nullptr,
                                           nullptr};

sqlite_disk& disk_of(sqlite3_vfs* v) { return *static_cast<sqlite_disk*>(v->pAppData); }

int open_memory(sqlite3_vfs* v, const char* name, sqlite3_file* f, int flags, int* out_flags) {
  auto& disk = disk_of(v);
  auto& file = of(f);
  file.base.pMethods = nullptr;
  file.owner = &disk;
  file.temporary = name ? nullptr : new memory_file;
  file.last_error = 0;
  file.life = disk.life();
  file.what = name ? disk.find(name) : file.temporary;
  if (!file.what) file.what = disk.make(name);
  file.base.pMethods = &memory_methods;
  if (out_flags) *out_flags = flags;
  return SQLITE_OK;
}
int delete_memory(sqlite3_vfs* v, const char* name, int) {
  if (disk_of(v).dying()) return SQLITE_IOERR_DELETE;
  disk_of(v).remove(name);
  return SQLITE_OK;
}
int access_memory(sqlite3_vfs* v, const char* name, int, int* out) {
  auto* found = disk_of(v).find(name);
  *out = found && !found->seen.empty();
  return SQLITE_OK;
}
int full_path_of_memory(sqlite3_vfs*, const char* name, int size, char* out) {
  sqlite3_snprintf(size, out, "%s", name);
  return SQLITE_OK;
}
int random_of_memory(sqlite3_vfs*, int size, char* out) {
  std::memset(out, 7, static_cast<std::size_t>(size));
  return size;
}
int sleep_memory(sqlite3_vfs*, int microseconds) { return microseconds; }
int time_of_memory(sqlite3_vfs*, double* now) {
  *now = 2'460'000.5;
  return SQLITE_OK;
}
int last_error_of_memory(sqlite3_vfs*, int, char*) { return 0; }

sqlite_disk::sqlite_disk(machine& owner) : owner_(owner), name_("memory of " + owner.name()) {
  // The key files and the ballast are real, small and always the same.
  folder_ =
      (std::filesystem::temp_directory_path() / ("tilld-sim-" + std::to_string(::getpid())) / owner.name())
          .string();
  vfs_.iVersion = 1;
  vfs_.szOsFile = sizeof(open_file);
  vfs_.mxPathname = 512;
  vfs_.zName = name_.c_str();
  vfs_.pAppData = this;
  vfs_.xOpen = open_memory;
  vfs_.xDelete = delete_memory;
  vfs_.xAccess = access_memory;
  vfs_.xFullPathname = full_path_of_memory;
  vfs_.xRandomness = random_of_memory;
  vfs_.xSleep = sleep_memory;
  vfs_.xCurrentTime = time_of_memory;
  vfs_.xGetLastError = last_error_of_memory;
  sqlite3_vfs_register(&vfs_, 0);
}

sqlite_disk::~sqlite_disk() { sqlite3_vfs_unregister(&vfs_); }

int sqlite_disk::write(open_file& f, const void* from, std::size_t size, std::size_t at) {
  if (ghost(f)) return SQLITE_IOERR_WRITE;
  owner_.point("before a write");
  if (ghost(f)) return SQLITE_IOERR_WRITE;
  // A full disk still has the blocks that files have already.
  if (faults.full && at + size > f.what->seen.size()) {
    f.last_error = ENOSPC;
    for (auto& c : f.what->between) c.given_up = true;
    return SQLITE_FULL;
  }
  unflushed c{false, at, std::string(static_cast<const char*>(from), size)};
  write_over(c, f.what->seen);
  if (!f.temporary) f.what->between.push_back(std::move(c));
  return SQLITE_OK;
}

int sqlite_disk::truncate(open_file& f, std::size_t size) {
  if (ghost(f)) return SQLITE_IOERR_TRUNCATE;
  unflushed c{true, size, {}};
  write_over(c, f.what->seen);
  if (!f.temporary) f.what->between.push_back(std::move(c));
  return SQLITE_OK;
}

int sqlite_disk::sync(open_file& f) {
  if (ghost(f)) return SQLITE_IOERR_FSYNC;
  owner_.point("before a flush");
  if (ghost(f)) return SQLITE_IOERR_FSYNC;
  if (faults.sync_ms_max > 0) owner_.wait_for_disk(owner_.in().dice.below(faults.sync_ms_max + 1));
  if (faults.sync_fails) {
    f.last_error = EIO;
    for (auto& c : f.what->between) c.dropped = true;
    return SQLITE_IOERR_FSYNC;
  }
  std::vector<unflushed> still;
  for (auto& c : f.what->between) {
    if (c.dropped)
      still.push_back(std::move(c));
    else
      write_over(c, f.what->medium);
  }
  f.what->between = std::move(still);
  owner_.point("after a flush");
  return ghost(f) ? SQLITE_IOERR_FSYNC : SQLITE_OK;
}

void sqlite_disk::process_died(death how) {
  ++life_;
  if (how == death::power_cut) lose_power();
}

void sqlite_disk::lose_power() {
  auto& dice = owner_.in().dice;
  // All, none, or some of it, and of some a part of the sectors.
  auto kind = dice.below(3);
  for (auto& [name, file] : files_) {
    for (auto& c : file.between) {
      if (c.dropped || kind == 0 || (kind == 1 && dice.coin())) continue;
      if (kind == 2 && !c.truncation && dice.coin()) {
        for (std::size_t at = 0; at < c.octets.size(); at += sector) {
          if (dice.coin()) continue;
          write_over({false, c.at + at, c.octets.substr(at, sector)}, file.medium);
        }
      } else {
        write_over(c, file.medium);
      }
    }
    file.between.clear();
    file.seen = file.medium;
  }
}

bool sqlite_disk::flushed() const {
  if (!owner_.up()) return true;
  // A commit is a flush of the log. What a checkpoint moved is flushed before the log begins anew, and a
  // rollback journal, which only the making of the database needs, is given up without a flush.
  for (auto& [name, file] : files_) {
    if (!name.ends_with("-wal")) continue;
    for (auto& c : file.between)
      if (!c.dropped && !c.given_up) return false;
  }
  return true;
}

std::shared_ptr<const disk_image> sqlite_disk::copy() const {
  auto image = std::make_shared<memory_image>();
  for (auto& [name, file] : files_) image->files[name] = {file.seen, file.seen, {}};
  return image;
}

void sqlite_disk::restore(const disk_image& from) {
  // The image may be of another machine, whose files had its folder in their names.
  files_.clear();
  for (auto& [name, file] : static_cast<const memory_image&>(from).files)
    files_[folder_ + name.substr(name.rfind('/'))] = file;
}

}  // namespace

std::unique_ptr<disk> make_disk(machine& owner) { return std::make_unique<sqlite_disk>(owner); }

}  // namespace tilld::sim
