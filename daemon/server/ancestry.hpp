// Who a connection comes from, in the family tree of processes. A plugin runs under the daemon's own user,
// which on the till's sockets would make it an administrator; the path sandbox does not cover sockets that
// have a path. So nobody who descends from the daemon is let in, and no descendant can leave the tree: the
// daemon adopts orphans.
#pragma once

#include <sys/types.h>

namespace tilld::daemon {

// Once, before the first plugin starts: processes whose parent dies become children of this one (Linux 3.4).
void adopt_orphans();

// True for this process and everything below it; also when the tree cannot be read, since then nothing
// vouches for the other side.
bool descends_from_this_process(pid_t pid);

}  // namespace tilld::daemon
