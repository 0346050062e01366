// What tillctl ends with; scripts rely on it.
#pragma once

namespace tilld::ctl {

enum class exit_code : int {
  ok = 0,
  failed = 1,       // the daemon refused, or what was asked for is not as it should be
  usage = 2,        // the command line makes no sense; nothing was asked
  not_running = 3,  // no daemon answers on the socket
  degraded = 4,     // status: the till works, and something needs a person
};

}  // namespace tilld::ctl
