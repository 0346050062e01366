#include "daemon/server/hang_up.hpp"

#include <poll.h>

namespace tilld::daemon {

other_end look_at(int socket) {
  pollfd p{socket, POLLRDHUP, 0};
  if (::poll(&p, 1, 0) <= 0) return other_end::there;
  return (p.revents & (POLLHUP | POLLERR | POLLNVAL)) != 0 ? other_end::gone : other_end::said_all;
}

}  // namespace tilld::daemon
