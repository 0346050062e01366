/* Loaded before the C library of a daemon under test (LD_PRELOAD): stands between SQLite and the disk and
 * holds, counts or fails the syncs of the journal. The file to map is named by TILLD_TEST_DISK. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/durability/disk_control.h"

static struct disk_control* control;

__attribute__((constructor)) static void find_control(void) {
  const char* path = getenv("TILLD_TEST_DISK");
  int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
  void* mapped;
  if (fd < 0) return;
  mapped = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  close(fd);
  if (mapped != MAP_FAILED) control = mapped;
}

static int is_of_the_journal(int fd) {
  char link[64], path[4096];
  ssize_t size;
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  size = readlink(link, path, sizeof path - 1);
  if (size <= 0) return 0;
  path[size] = 0;
  return strstr(path, "/journal.") != NULL;
}

static int stand_in_between(int fd, long number) {
  uint32_t failure;
  int code;
  if (!control || !is_of_the_journal(fd)) return (int)syscall(number, fd);
  __atomic_add_fetch(&control->begun, 1, __ATOMIC_SEQ_CST);
  __atomic_add_fetch(&control->held, 1, __ATOMIC_SEQ_CST);
  while (__atomic_load_n(&control->hold, __ATOMIC_SEQ_CST))
    syscall(SYS_futex, &control->hold, FUTEX_WAIT, 1, NULL, NULL, 0);
  __atomic_sub_fetch(&control->held, 1, __ATOMIC_SEQ_CST);
  failure = __atomic_exchange_n(&control->fail_next, 0, __ATOMIC_SEQ_CST);
  if (!failure) failure = __atomic_load_n(&control->fail_all, __ATOMIC_SEQ_CST);
  if (failure) {
    errno = (int)failure;
    return -1;
  }
  code = __atomic_load_n(&control->no_disk, __ATOMIC_SEQ_CST) ? 0 : (int)syscall(number, fd);
  if (code == 0) __atomic_add_fetch(&control->completed, 1, __ATOMIC_SEQ_CST);
  return code;
}

int fsync(int fd) { return stand_in_between(fd, SYS_fsync); }
int fdatasync(int fd) { return stand_in_between(fd, SYS_fdatasync); }
