// Who is at the other end of a Unix socket, as the kernel says, and what it may do. Nothing is looked up in
// the user database: that may ask a server of the network, and everybody would wait for it.
#pragma once

#include <sys/types.h>

#include <optional>
#include <vector>

#include "daemon/config/config.hpp"

namespace tilld::daemon {

struct peer {
  pid_t process = 0;  // 0 in another pid namespace
  uid_t user = 0;
  gid_t group = 0;
  std::vector<gid_t> more_groups;
};

// As it was when it connected (SO_PEERCRED, and SO_PEERGROUPS of Linux 4.13).
std::optional<peer> peer_of(int socket);

// What it may do on the till socket: the first mapping that fits; else root and the daemon's own user are
// admin, and everybody whom the socket's mode lets in is a till.
role role_of(const peer& who, const std::vector<role_mapping>& mappings, uid_t own_user);

}  // namespace tilld::daemon
