// Takes every path away from a thread but a few. Landlock, by raw system calls: Debian 12 has the kernel side
// and no library for it.
//
// What stays open to a plugin:
//   read and execute  /usr /lib /lib64, its own file
//   read              /etc/fonts /etc/ld.so.cache /etc/localtime /var/cache/fontconfig
//   read and write    /dev/null /dev/zero /dev/urandom
//   and the paths that the daemon was told to give it.
// Where the kernel can (Landlock 6, Linux 6.12), signals to processes outside and abstract Unix sockets are
// taken away too. Not taken away: the network, Unix sockets that have a path, and descriptors that are open
// already.
//
// Landlock belongs to a thread and to those that it starts afterwards. So the plugin of `isolation: none`
// sees the same world on its thread while the daemon's other threads keep theirs. In a process of its own
// that is a wall; in the daemon's process it is a fence: the memory and the open descriptors of the daemon
// are in reach there.
#pragma once

#include <span>
#include <string>

#include "base/error.hpp"

namespace tilld::daemon::plugin_host {

struct allowed_path {
  std::string path;  // a file, a device or a folder with everything below it
  bool writable = false;
};

struct sandbox_report {
  int landlock_abi = 0;  // 0: the kernel has no Landlock, or it is switched off
  bool paths_restricted = false;
  std::string note;  // a sentence for IT staff where something is not as it should be
};

// Restricts the calling thread for ever. plugin_descriptor is the opened plugin file, which stays readable
// wherever it lies. A kernel without Landlock is no error, the report says so; a kernel that has it and
// refuses is. An allowed path that cannot be opened is left out and named in the note: the device may come
// later, and the instance starts anew then.
base::result<sandbox_report> enter_sandbox(std::span<const allowed_path> allowed, int plugin_descriptor);

}  // namespace tilld::daemon::plugin_host
