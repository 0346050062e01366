#include "daemon/server/ancestry.hpp"

#include <fcntl.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <optional>
#include <string>

namespace tilld::daemon {
namespace {

constexpr int generations_max = 64;

bool out_of_descriptors() { return errno == EMFILE || errno == ENFILE; }

// What /proc/PID/stat says. Nothing, and errno, when it cannot be opened or read.
std::optional<std::string> stat_of(pid_t pid, spare_descriptor& spare) {
  auto path = "/proc/" + std::to_string(pid) + "/stat";
  base::unique_fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  bool lent = !file && out_of_descriptors() && spare.is_kept();
  if (lent) {
    spare.lend();
    file.reset(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  }
  auto failed = errno;
  std::optional<std::string> text;
  if (file) {
    char octets[4096];
    auto size = ::read(file.get(), octets, sizeof octets);
    failed = errno;
    if (size > 0) text.emplace(octets, static_cast<std::size_t>(size));
  }
  file.reset();
  if (lent) spare.take_back();
  errno = failed;
  return text;
}

// Field 4, counted from behind the name, which may hold anything.
std::optional<pid_t> parent_in(std::string_view stat) {
  auto end = stat.rfind(')');
  if (end == std::string_view::npos || end + 4 >= stat.size()) return std::nullopt;
  auto rest = stat.substr(end + 4);  // ") S "
  pid_t parent = 0;
  auto [at, code] = std::from_chars(rest.data(), rest.data() + rest.size(), parent);
  return code == std::errc() && at != rest.data() ? std::optional(parent) : std::nullopt;
}

}  // namespace

void spare_descriptor::take_back() {
  if (!kept_) kept_.reset(::open("/dev/null", O_RDONLY | O_CLOEXEC));
}

void adopt_orphans() { ::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); }

descent descent_of(pid_t pid, spare_descriptor& spare) {
  auto own = ::getpid();
  for (int i = 0; i < generations_max; ++i) {
    if (pid == own) return descent::here;
    if (pid <= 1) return descent::elsewhere;
    auto stat = stat_of(pid, spare);
    if (!stat && out_of_descriptors()) return descent::unreadable;
    auto parent = stat ? parent_in(*stat) : std::nullopt;
    if (!parent) return descent::here;
    pid = *parent;
  }
  return descent::here;
}

}  // namespace tilld::daemon
