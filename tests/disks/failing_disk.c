/* Loaded before the C library of a daemon under test (LD_PRELOAD): fails the flushes and writes of its
 * journal on order, and keeps book of what a failed flush has cost. A kernel that could not write a page
 * calls it clean and forgets it, and whoever reads it meanwhile sees it all the same; so what the failed
 * flush should have covered is noted, and the campaign takes it away when it cuts the power. The file to map
 * is named by TILLD_TEST_DISK. */
#define _GNU_SOURCE
#include "tests/disks/failing_disk.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static struct failing_disk* disk;

__attribute__((constructor)) static void find_disk(void) {
  const char* path = getenv("TILLD_TEST_DISK");
  int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
  void* mapped;
  if (fd < 0) return;
  mapped = mmap(NULL, sizeof(struct failing_disk), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  close(fd);
  if (mapped != MAP_FAILED) disk = mapped;
}

enum kind { foreign, folder, database, write_ahead_log };

static enum kind kind_of(int fd) {
  char link[64], path[4096];
  ssize_t size;
  const char* name;
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  size = readlink(link, path, sizeof path - 1);
  if (size <= 0) return foreign;
  path[size] = 0;
  name = strrchr(path, '/');
  if (!name) return foreign;
  if (strcmp(name, "/state") == 0) return folder;
  if (strncmp(name, "/journal.", 9) != 0) return foreign;
  return strstr(name, "-wal") ? write_ahead_log : database;
}

static void lock(void) {
  while (__atomic_exchange_n(&disk->lock, 1, __ATOMIC_ACQUIRE)) sched_yield();
}
static void unlock(void) { __atomic_store_n(&disk->lock, 0, __ATOMIC_RELEASE); }

/* Whether this one fails; counts down. */
static int is_ordered(uint32_t* in) {
  if (*in == 0) return 0;
  if (*in > 1) {
    --*in;
    return 0;
  }
  if (disk->times == 0) {
    *in = 0;
    return 0;
  }
  if (disk->times != UINT32_MAX) --disk->times;
  ++disk->failed;
  return 1;
}

static uint64_t inode_of(int fd) {
  struct stat found;
  return fstat(fd, &found) == 0 ? found.st_ino : 0;
}

static void drop(uint32_t at) { disk->ranges[at] = disk->ranges[--disk->ranges_count]; }

/* Written again, so what was lost of it is there again once this is flushed. */
static void note_write(uint64_t inode, uint64_t offset, uint64_t size) {
  struct failing_range* r;
  uint32_t i = 0;
  while (i < disk->ranges_count) {
    r = &disk->ranges[i];
    if (r->inode == inode && r->offset >= offset && r->offset + r->size <= offset + size)
      drop(i);
    else
      ++i;
  }
  if (disk->ranges_count == FAILING_RANGES) {
    disk->overflow = 1;
    return;
  }
  r = &disk->ranges[disk->ranges_count++];
  r->inode = inode;
  r->offset = offset;
  r->size = (uint32_t)size;
  r->lost = 0;
}

static void note_sync(uint64_t inode, int failed) {
  uint32_t i = 0;
  while (i < disk->ranges_count) {
    struct failing_range* r = &disk->ranges[i];
    if (r->inode == inode && !r->lost && !failed) {
      drop(i);
      continue;
    }
    if (r->inode == inode && failed) r->lost = 1;
    ++i;
  }
}

static int flush(int fd, long number) {
  int code, failed;
  enum kind k = disk ? kind_of(fd) : foreign;
  if (k == foreign) return (int)syscall(number, fd);
  lock();
  ++disk->syncs;
  failed = is_ordered(&disk->sync_in);
  if (failed && k == write_ahead_log) note_sync(inode_of(fd), 1);
  unlock();
  if (failed) {
    errno = (int)disk->error_number;
    return -1;
  }
  code = (int)syscall(number, fd);
  if (code == 0 && k == write_ahead_log) {
    lock();
    note_sync(inode_of(fd), 0);
    unlock();
  }
  return code;
}

int fsync(int fd) { return flush(fd, SYS_fsync); }
int fdatasync(int fd) { return flush(fd, SYS_fdatasync); }

static ssize_t write_at(int fd, const void* from, size_t size, off64_t at) {
  ssize_t written;
  int failed;
  enum kind k = disk ? kind_of(fd) : foreign;
  if (k == foreign) return syscall(SYS_pwrite64, fd, from, size, at);
  lock();
  ++disk->writes;
  failed = is_ordered(&disk->write_in);
  unlock();
  if (failed) {
    errno = (int)disk->error_number;
    return -1;
  }
  written = syscall(SYS_pwrite64, fd, from, size, at);
  if (written > 0 && k == write_ahead_log) {
    lock();
    note_write(inode_of(fd), (uint64_t)at, (uint64_t)written);
    unlock();
  }
  return written;
}

ssize_t pwrite64(int fd, const void* from, size_t size, off64_t at) { return write_at(fd, from, size, at); }
ssize_t pwrite(int fd, const void* from, size_t size, off_t at) { return write_at(fd, from, size, at); }
