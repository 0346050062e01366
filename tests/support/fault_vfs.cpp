#include "tests/support/fault_vfs.hpp"

#include <sqlite3.h>
#include <sys/stat.h>

#include <atomic>
#include <cerrno>
#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <mutex>
#include <random>
#include <vector>

namespace tilld::tests {
namespace {

constexpr std::size_t sector_size = 512;

struct change {
  bool truncation = false;
  std::size_t at = 0;  // the offset, or the size to cut to
  std::string bytes;
  bool dropped = false;  // by a sync that failed
};

void write_over(const change& c, std::string& to) {
  if (c.truncation) {
    to.resize(c.at);
    return;
  }
  if (to.size() < c.at + c.bytes.size()) to.resize(c.at + c.bytes.size());
  to.replace(c.at, c.bytes.size(), c.bytes);
}

std::uint64_t inode_of(const std::string& path) {
  struct stat found {};
  return ::stat(path.c_str(), &found) == 0 ? found.st_ino : 0;
}

struct disk_file {
  std::uint64_t inode = 0;
  std::string durable;
  std::vector<change> pending;
};

}  // namespace

struct fault_vfs::state {
  struct order {
    int countdown = 0;  // 0: none
    int error_number = 0;
    bool for_ever = false, met = false;
  };

  sqlite3_vfs vfs{};
  sqlite3_vfs* real = nullptr;
  std::string name;

  mutable std::mutex mutex;
  std::condition_variable moved;
  order orders[4];
  bool holding = false;
  int held = 0, writes = 0, syncs = 0, syncs_done = 0;
  int changes_until_cut = 0;  // 0: no cut was ordered
  bool cut = false;
  int last_error = 0;
  std::map<std::string, disk_file> files;
  std::map<std::string, disk_file> deleted;  // the folder was not synced since

  // Whether the operation fails; then last_error says how.
  bool refuses(operation what) {
    auto& o = orders[static_cast<int>(what)];
    if (o.countdown == 0) return false;
    if (o.countdown > 1) {
      --o.countdown;
      return false;
    }
    last_error = o.error_number;
    o.met = true;
    if (!o.for_ever) o.countdown = 0;
    return true;
  }

  // Files may have been renamed and removed beside SQLite since they were opened; whoever does so flushes the
  // folder.
  void follow_names(const std::string& path) {
    auto inode = inode_of(path);
    if (auto known = files.find(path); known != files.end()) {
      if (known->second.inode == inode) return;
      files.erase(known);
    }
    for (auto at = files.begin(); at != files.end(); ++at)
      if (at->second.inode == inode && inode_of(at->first) != inode) {
        auto renamed = files.extract(at);
        renamed.key() = path;
        files.insert(std::move(renamed));
        return;
      }
  }

  // Whether the machine is already dead when this change begins.
  bool dead_at_change() {
    if (!cut && changes_until_cut > 0 && --changes_until_cut == 0) cut = true;
    if (cut) last_error = EIO;
    return cut;
  }
};

namespace {

using state = fault_vfs::state;
using operation = fault_vfs::operation;

// SQLite hands out the memory; the real file lies behind this one.
struct file {
  sqlite3_file base;
  state* owner;
  const char* path;  // SQLite keeps it until the file is closed; null for a temporary file
  int last_error;    // errno of the last failure, as SQLite's own VFS keeps it: 0 for a full disk
  // The first sync of a new log or journal covers its name as well, as in SQLite's own VFS.
  bool syncs_folder;
  sqlite3_file* real() { return reinterpret_cast<sqlite3_file*>(this + 1); }
};

file* as_file(sqlite3_file* f) { return reinterpret_cast<file*>(f); }
state* as_state(sqlite3_vfs* v) { return static_cast<state*>(v->pAppData); }

int write_failure(int error_number) { return error_number == ENOSPC ? SQLITE_FULL : SQLITE_IOERR_WRITE; }

int close_file(sqlite3_file* f) { return as_file(f)->real()->pMethods->xClose(as_file(f)->real()); }

int read_file(sqlite3_file* f, void* to, int size, sqlite3_int64 at) {
  auto* s = as_file(f)->owner;
  {
    std::lock_guard lock(s->mutex);
    if (s->cut || s->refuses(operation::read)) return SQLITE_IOERR_READ;
  }
  return as_file(f)->real()->pMethods->xRead(as_file(f)->real(), to, size, at);
}

int write_file(sqlite3_file* f, const void* from, int size, sqlite3_int64 at) {
  auto* s = as_file(f)->owner;
  std::lock_guard lock(s->mutex);
  ++s->writes;
  if (s->dead_at_change()) return SQLITE_IOERR_WRITE;
  if (s->refuses(operation::write)) {
    as_file(f)->last_error = s->last_error == ENOSPC ? 0 : s->last_error;
    return write_failure(s->last_error);
  }
  int code = as_file(f)->real()->pMethods->xWrite(as_file(f)->real(), from, size, at);
  if (code != SQLITE_OK) {
    s->last_error = errno;
  } else if (as_file(f)->path) {
    s->files[as_file(f)->path].pending.push_back(
        {false, static_cast<std::size_t>(at),
         std::string(static_cast<const char*>(from), static_cast<std::size_t>(size)), false});
  }
  return code;
}

int truncate_file(sqlite3_file* f, sqlite3_int64 size) {
  auto* s = as_file(f)->owner;
  std::lock_guard lock(s->mutex);
  if (s->dead_at_change() || s->refuses(operation::truncate)) return SQLITE_IOERR_TRUNCATE;
  int code = as_file(f)->real()->pMethods->xTruncate(as_file(f)->real(), size);
  if (code == SQLITE_OK && as_file(f)->path)
    s->files[as_file(f)->path].pending.push_back({true, static_cast<std::size_t>(size), {}, false});
  return code;
}

int sync_file(sqlite3_file* f, int) {
  auto* s = as_file(f)->owner;
  std::unique_lock lock(s->mutex);
  ++s->syncs;
  ++s->held;
  s->moved.notify_all();
  s->moved.wait(lock, [&] { return !s->holding; });
  --s->held;
  if (s->dead_at_change()) return SQLITE_IOERR_FSYNC;
  if (!as_file(f)->path) return SQLITE_OK;
  auto& disk = s->files[as_file(f)->path];
  if (s->refuses(operation::sync)) {
    as_file(f)->last_error = s->last_error;
    for (auto& c : disk.pending) c.dropped = true;
    return SQLITE_IOERR_FSYNC;
  }
  std::vector<change> still_lost;
  for (auto& c : disk.pending) {
    if (c.dropped)
      still_lost.push_back(std::move(c));
    else
      write_over(c, disk.durable);
  }
  disk.pending = std::move(still_lost);
  if (as_file(f)->syncs_folder) s->deleted.clear();
  as_file(f)->syncs_folder = false;
  ++s->syncs_done;
  return SQLITE_OK;
}

int file_size(sqlite3_file* f, sqlite3_int64* size) {
  return as_file(f)->real()->pMethods->xFileSize(as_file(f)->real(), size);
}
int lock_file(sqlite3_file* f, int level) {
  return as_file(f)->real()->pMethods->xLock(as_file(f)->real(), level);
}
int unlock_file(sqlite3_file* f, int level) {
  return as_file(f)->real()->pMethods->xUnlock(as_file(f)->real(), level);
}
int is_reserved(sqlite3_file* f, int* out) {
  return as_file(f)->real()->pMethods->xCheckReservedLock(as_file(f)->real(), out);
}
int control_file(sqlite3_file* f, int what, void* argument) {
  if (what == SQLITE_FCNTL_LAST_ERRNO && as_file(f)->last_error != 0) {
    *static_cast<int*>(argument) = as_file(f)->last_error;
    return SQLITE_OK;
  }
  return as_file(f)->real()->pMethods->xFileControl(as_file(f)->real(), what, argument);
}
int sector(sqlite3_file* f) { return as_file(f)->real()->pMethods->xSectorSize(as_file(f)->real()); }
int traits(sqlite3_file* f) {
  return as_file(f)->real()->pMethods->xDeviceCharacteristics(as_file(f)->real());
}

// Version 1 has no shared memory and no mapping: a connection that needs either does not work on this disk.
const sqlite3_io_methods methods = {1,         close_file, read_file,   write_file,  truncate_file, sync_file,
                                    file_size, lock_file,  unlock_file, is_reserved, control_file,  sector,
                                    traits,    nullptr,    nullptr,     nullptr,     nullptr,       nullptr,
                                    nullptr};

int open_file(sqlite3_vfs* v, const char* path, sqlite3_file* f, int flags, int* flags_out) {
  auto* s = as_state(v);
  auto* made = as_file(f);
  made->base.pMethods = nullptr;
  made->owner = s;
  made->path = path;
  made->last_error = 0;
  made->syncs_folder = (flags & SQLITE_OPEN_CREATE) && (flags & (SQLITE_OPEN_WAL | SQLITE_OPEN_MAIN_JOURNAL));
  std::lock_guard lock(s->mutex);
  if (s->cut) return SQLITE_CANTOPEN;
  bool was_there = path && std::filesystem::exists(path);
  int code = s->real->xOpen(s->real, path, made->real(), flags, flags_out);
  if (code != SQLITE_OK) {
    s->last_error = errno;
    return code;
  }
  made->base.pMethods = &methods;
  if (path && was_there)
    s->follow_names(path);
  else if (path)
    s->files.erase(path);  // of one that was removed beside SQLite
  if (path && !s->files.count(path)) {
    auto& disk = s->files[path];
    disk.inode = inode_of(path);
    if (was_there) {
      std::ifstream in(path, std::ios::binary);
      disk.durable.assign(std::istreambuf_iterator<char>(in), {});
    }
  }
  return SQLITE_OK;
}

int delete_file(sqlite3_vfs* v, const char* path, int sync_folder) {
  auto* s = as_state(v);
  std::lock_guard lock(s->mutex);
  if (s->dead_at_change()) return SQLITE_IOERR_DELETE;
  int code = s->real->xDelete(s->real, path, 0);
  if (code == SQLITE_OK) {
    if (auto found = s->files.find(path); found != s->files.end()) {
      if (!sync_folder) s->deleted[path] = found->second;
      s->files.erase(found);
    }
    if (sync_folder) s->deleted.clear();
  }
  return code;
}

int access_file(sqlite3_vfs* v, const char* path, int flags, int* out) {
  return as_state(v)->real->xAccess(as_state(v)->real, path, flags, out);
}
int full_path(sqlite3_vfs* v, const char* path, int size, char* out) {
  return as_state(v)->real->xFullPathname(as_state(v)->real, path, size, out);
}
int random_octets(sqlite3_vfs* v, int size, char* out) {
  return as_state(v)->real->xRandomness(as_state(v)->real, size, out);
}
int wait_us(sqlite3_vfs* v, int us) { return as_state(v)->real->xSleep(as_state(v)->real, us); }
int current_time(sqlite3_vfs* v, double* out) {
  return as_state(v)->real->xCurrentTime(as_state(v)->real, out);
}
int last_error(sqlite3_vfs* v, int, char*) {
  std::lock_guard lock(as_state(v)->mutex);
  return as_state(v)->last_error;
}
int current_time_ms(sqlite3_vfs* v, sqlite3_int64* out) {
  return as_state(v)->real->xCurrentTimeInt64(as_state(v)->real, out);
}

}  // namespace

fault_vfs::fault_vfs() : state_(std::make_unique<state>()) {
  static std::atomic<int> made = 0;
  auto& s = *state_;
  s.name = "tilld-fault-" + std::to_string(++made);
  s.real = sqlite3_vfs_find(nullptr);
  s.vfs.iVersion = 2;
  s.vfs.szOsFile = static_cast<int>(sizeof(file)) + s.real->szOsFile;
  s.vfs.mxPathname = s.real->mxPathname;
  s.vfs.zName = s.name.c_str();
  s.vfs.pAppData = &s;
  s.vfs.xOpen = open_file;
  s.vfs.xDelete = delete_file;
  s.vfs.xAccess = access_file;
  s.vfs.xFullPathname = full_path;
  s.vfs.xRandomness = random_octets;
  s.vfs.xSleep = wait_us;
  s.vfs.xCurrentTime = current_time;
  s.vfs.xGetLastError = last_error;
  s.vfs.xCurrentTimeInt64 = current_time_ms;
  sqlite3_vfs_register(&s.vfs, 0);
}

fault_vfs::~fault_vfs() {
  release_syncs();
  sqlite3_vfs_unregister(&state_->vfs);
}

const char* fault_vfs::name() const { return state_->name.c_str(); }

void fault_vfs::fail(operation what, int nth, int error_number, repeat how) {
  std::lock_guard lock(state_->mutex);
  state_->orders[static_cast<int>(what)] = {nth, error_number, how == repeat::for_ever};
}

bool fault_vfs::met(operation what) const {
  std::lock_guard lock(state_->mutex);
  return state_->orders[static_cast<int>(what)].met;
}

void fault_vfs::heal() {
  std::lock_guard lock(state_->mutex);
  for (auto& o : state_->orders) o = {};
}

void fault_vfs::hold_syncs() {
  std::lock_guard lock(state_->mutex);
  state_->holding = true;
}

void fault_vfs::release_syncs() {
  std::lock_guard lock(state_->mutex);
  state_->holding = false;
  state_->moved.notify_all();
}

bool fault_vfs::wait_for_held_sync(std::chrono::milliseconds at_most) {
  std::unique_lock lock(state_->mutex);
  return state_->moved.wait_for(lock, at_most, [&] { return state_->holding && state_->held > 0; });
}

int fault_vfs::writes() const {
  std::lock_guard lock(state_->mutex);
  return state_->writes;
}
int fault_vfs::syncs() const {
  std::lock_guard lock(state_->mutex);
  return state_->syncs;
}
int fault_vfs::syncs_done() const {
  std::lock_guard lock(state_->mutex);
  return state_->syncs_done;
}

void fault_vfs::cut_power_at(int nth_change) {
  std::lock_guard lock(state_->mutex);
  state_->changes_until_cut = nth_change;
}

bool fault_vfs::power_is_cut() const {
  std::lock_guard lock(state_->mutex);
  return state_->cut;
}

void fault_vfs::lay_out_disk(const std::string& folder, unsynced how, std::uint64_t seed) const {
  std::lock_guard lock(state_->mutex);
  std::mt19937_64 random(seed);
  auto coin = [&] { return (random() & 1) != 0; };
  auto lay_out = [&](const std::string& path, const disk_file& disk) {
    auto content = disk.durable;
    for (auto& c : disk.pending) {
      if (how == unsynced::none || c.dropped) continue;
      if (how == unsynced::all || (how == unsynced::torn && c.truncation)) {
        write_over(c, content);
      } else if (how == unsynced::some) {
        if (coin()) write_over(c, content);
      } else {
        for (std::size_t from = 0; from < c.bytes.size(); from += sector_size)
          if (coin()) write_over({false, c.at + from, c.bytes.substr(from, sector_size), false}, content);
      }
    }
    std::ofstream out(std::filesystem::path(folder) / std::filesystem::path(path).filename(),
                      std::ios::binary);
    out << content;
  };
  for (auto& [path, disk] : state_->files) lay_out(path, disk);
  for (auto& [path, disk] : state_->deleted)
    if (!state_->files.count(path) && (how == unsynced::none || (how != unsynced::all && coin())))
      lay_out(path, disk);
}

}  // namespace tilld::tests
