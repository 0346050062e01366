// Where this program finds what was installed with it. A tree that was installed under any prefix works
// there, and goes on working when it is moved; a build folder works as well.
#pragma once

#include <string>

namespace tilld::daemon {

// For a program at PREFIX/sbin/tilld, or in the folder `bin` of a build. An empty path, or one beside which
// nothing lies, gives the places below /usr, where a package puts them.
struct installed_places {
  std::string plugin_host;    // PREFIX/libexec/tilld/tilld-plugin-host
  std::string plugin_folder;  // PREFIX/lib/tilld/plugins
};
installed_places places_around(const std::string& program);

// Of the running program.
installed_places own_places();

}  // namespace tilld::daemon
