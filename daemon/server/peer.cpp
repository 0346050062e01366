#include "daemon/server/peer.hpp"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

namespace tilld::daemon {
namespace {

std::vector<gid_t> groups_of(int socket) {
  std::vector<gid_t> groups(32);
  for (;;) {
    auto size = static_cast<socklen_t>(groups.size() * sizeof(gid_t));
    int failed = ::getsockopt(socket, SOL_SOCKET, SO_PEERGROUPS, groups.data(), &size);
    auto count = size / sizeof(gid_t);
    // Where there is no room for all, the size is what is needed.
    bool too_few = failed != 0 && errno == ERANGE && count > groups.size();
    groups.resize(failed != 0 && !too_few ? 0 : count);
    if (!too_few) return groups;
  }
}

}  // namespace

std::optional<peer> peer_of(int socket) {
  ucred who{};
  socklen_t size = sizeof who;
  if (::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &who, &size) != 0) return std::nullopt;
  return peer{who.pid, who.uid, who.gid, groups_of(socket)};
}

role role_of(const peer& who, const std::vector<role_mapping>& mappings, uid_t own_user) {
  auto is_in = [&](gid_t group) {
    return who.group == group ||
           std::find(who.more_groups.begin(), who.more_groups.end(), group) != who.more_groups.end();
  };
  for (auto& m : mappings) {
    if (m.user && *m.user != who.user) continue;
    if (m.group && !is_in(*m.group)) continue;
    return m.gets;
  }
  return who.user == 0 || who.user == own_user ? role::admin : role::till;
}

}  // namespace tilld::daemon
