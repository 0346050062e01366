/* What a campaign and the library in the daemon share: one file that both map. Words are written under
 * `lock`, except the orders, which only the campaign writes while nothing is sold. */
#ifndef TILLD_TESTS_FAILING_DISK_H
#define TILLD_TESTS_FAILING_DISK_H

#include <stdint.h>

enum { FAILING_RANGES = 16384 };

/* Octets of a write-ahead log that no flush has covered. */
struct failing_range {
  uint64_t inode, offset;
  uint32_t size;
  uint32_t lost; /* 1: a flush that should have covered them failed, and the kernel calls them clean */
};

struct failing_disk {
  uint32_t lock;
  uint32_t sync_in;  /* the n-th flush from now on fails; 0: none */
  uint32_t write_in; /* the n-th write likewise */
  uint32_t times;    /* how many in a row fail then */
  uint32_t error_number;
  uint32_t failed; /* so far */
  uint32_t syncs, writes;
  uint32_t overflow; /* 1: more ranges than fit */
  uint32_t ranges_count;
  struct failing_range ranges[FAILING_RANGES];
};

#endif
