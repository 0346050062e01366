/* What the test and the library in the daemon share: one page of a file that both map. All words are written
 * without a lock; `hold` is waited for with a futex. */
#ifndef TILLD_TESTS_DISK_CONTROL_H
#define TILLD_TESTS_DISK_CONTROL_H

#include <stdint.h>

struct disk_control {
  uint32_t hold;      /* 1: syncs of the journal wait until it is 0 */
  uint32_t held;      /* how many wait now */
  uint32_t begun;     /* syncs of the journal so far */
  uint32_t completed; /* of these, came back well */
  uint32_t fail_next; /* errno of the next sync of the journal; back to 0 then */
  uint32_t fail_all;  /* errno of every sync of the journal from now on; 0: none fails */
  uint32_t no_disk;   /* 1: a sync does not reach the real disk, as on a very fast one */
};

#endif
