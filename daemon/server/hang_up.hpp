// Whether somebody is still at the other end of a connected socket.
#pragma once

namespace tilld::daemon {

enum class other_end {
  there,     // as far as anybody can tell
  said_all,  // it sends nothing more; on TCP it may be gone altogether, and only an answer would tell
  gone       // closed (Unix socket) or reset (TCP): nobody reads any more
};

// Without waiting, and whatever lies unread before the end.
other_end look_at(int socket);

}  // namespace tilld::daemon
