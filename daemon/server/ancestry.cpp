#include "daemon/server/ancestry.hpp"

#include <sys/prctl.h>
#include <unistd.h>

#include <charconv>
#include <optional>
#include <string>

#include "base/file.hpp"

namespace tilld::daemon {
namespace {

constexpr int generations_max = 64;

// Field 4 of /proc/PID/stat, counted from behind the name, which may hold anything.
std::optional<pid_t> parent_of(pid_t pid) {
  auto stat = base::read_file("/proc/" + std::to_string(pid) + "/stat", 4096);
  if (!stat) return std::nullopt;
  auto text = base::as_text(*stat);
  auto end = text.rfind(')');
  if (end == std::string_view::npos || end + 4 >= text.size()) return std::nullopt;
  auto rest = text.substr(end + 4);  // ") S "
  pid_t parent = 0;
  auto [at, code] = std::from_chars(rest.data(), rest.data() + rest.size(), parent);
  return code == std::errc() && at != rest.data() ? std::optional(parent) : std::nullopt;
}

}  // namespace

void adopt_orphans() { ::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); }

bool descends_from_this_process(pid_t pid) {
  auto own = ::getpid();
  for (int i = 0; i < generations_max; ++i) {
    if (pid == own) return true;
    if (pid <= 1) return false;
    auto parent = parent_of(pid);
    if (!parent) return true;
    pid = *parent;
  }
  return true;
}

}  // namespace tilld::daemon
