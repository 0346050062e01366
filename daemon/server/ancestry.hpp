// Who a connection comes from, in the family tree of processes. A plugin runs under the daemon's own user,
// which on the till's sockets would make it an administrator; the path sandbox does not cover sockets that
// have a path. So nobody who descends from the daemon is let in, and no descendant can leave the tree: the
// daemon adopts orphans.
#pragma once

#include <sys/types.h>

#include "base/file.hpp"

namespace tilld::daemon {

// A descriptor that is kept for the moment in which there is no other: a look into /proc takes one, and the
// connection that is being looked at may have got the last.
class spare_descriptor {
 public:
  spare_descriptor() { take_back(); }
  bool is_kept() const { return static_cast<bool>(kept_); }
  // Gives it up, so that one can be opened instead; take_back() once that is closed again.
  void lend() { kept_.reset(); }
  void take_back();

 private:
  base::unique_fd kept_;
};

// Once, before the first plugin starts: processes whose parent dies become children of this one (Linux 3.4).
void adopt_orphans();

enum class descent {
  here,  // this process and everything below it; also one that has ended: nothing vouches for it
  elsewhere,
  unreadable  // there was no descriptor to look with, not even the spare one
};
descent descent_of(pid_t pid, spare_descriptor& spare);

}  // namespace tilld::daemon
