/* Loaded before the C library of a daemon (LD_PRELOAD): every sync takes TILLD_BENCH_SYNC_MS longer, as on
 * the eMMC of a till. The time is spent waiting, not computing. */
#include <poll.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

static int slowly(long number, int fd) {
  const char* wait_ms = getenv("TILLD_BENCH_SYNC_MS");
  if (wait_ms) poll(NULL, 0, atoi(wait_ms));
  return (int)syscall(number, fd);
}

int fsync(int fd) { return slowly(SYS_fsync, fd); }
int fdatasync(int fd) { return slowly(SYS_fdatasync, fd); }
