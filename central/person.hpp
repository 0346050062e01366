// Who decides something on central's own machine, until there are staff accounts: the Unix user that ran the
// command.
#pragma once

#include <string>

namespace tilld::central {

// "unix:1000 alice"; where sudo was used, who used it: "unix:0 root, sudo by alice".
std::string who_runs_this();

}  // namespace tilld::central
