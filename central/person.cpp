#include "central/person.hpp"

#include <pwd.h>
#include <unistd.h>

#include <cstdlib>

namespace tilld::central {

std::string who_runs_this() {
  auto id = ::getuid();
  auto text = "unix:" + std::to_string(id);
  if (auto* user = ::getpwuid(id)) text += std::string(" ") + user->pw_name;
  if (auto* sudo = std::getenv("SUDO_USER"); sudo && id == 0)
    text += std::string(", sudo by ") + std::string(sudo).substr(0, 64);
  return text;
}

}  // namespace tilld::central
