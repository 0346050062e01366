#include "daemon/config/installed_places.hpp"

#include <unistd.h>

#include <filesystem>
#include <initializer_list>

namespace tilld::daemon {

namespace fs = std::filesystem;

namespace {

std::string first_that_exists(const fs::path& folder, std::initializer_list<const char*> candidates,
                              const char* otherwise) {
  std::error_code ignored;
  if (folder.is_absolute())
    for (auto candidate : candidates) {
      auto path = (folder / candidate).lexically_normal();
      if (fs::exists(path, ignored)) return path.string();
    }
  return otherwise;
}

}  // namespace

installed_places places_around(const std::string& program) {
  auto folder = fs::path(program).parent_path();
  return {
      first_that_exists(folder, {"../libexec/tilld/tilld-plugin-host", "tilld-plugin-host"},
                        "/usr/libexec/tilld/tilld-plugin-host"),
      first_that_exists(folder, {"../lib/tilld/plugins", "../plugins"}, "/usr/lib/tilld/plugins"),
  };
}

installed_places own_places() {
  std::error_code failed;
  auto program = fs::read_symlink("/proc/self/exe", failed);
  return places_around(failed ? std::string() : program.string());
}

}  // namespace tilld::daemon
