#include "base/step.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "base/file.hpp"

namespace tilld::base {
namespace detail {
std::atomic<std::uint32_t>* watched_steps = nullptr;

void reach(step s) {
  auto number = static_cast<std::uint32_t>(s);
  watched_steps[0].store(number);
  if (watched_steps[1].load() != number || number == 0) return;
  if (watched_steps[2].load() > 0) {
    watched_steps[2].fetch_sub(1);
    return;
  }
  watched_steps[1].store(0);
  watched_steps[3].fetch_add(1);
  // Only this process stops; the watcher decides whether it goes on or dies here.
  ::kill(::getpid(), SIGSTOP);
}
}  // namespace detail

std::string_view name(step s) {
  static constexpr std::array<std::string_view, static_cast<std::size_t>(step::count_)> names{
      "idle",         "request_read",       "intake_begun",    "key_written",     "record_written",
      "commit_begun", "committed",          "answered",        "device_asked",    "device_answered",
      "batch_sent",   "batch_acknowledged", "cursor_stored",   "segment_written", "segment_removed",
      "apply_begun",  "apply_written",      "apply_committed", "acknowledged"};
  return s < step::count_ ? names[static_cast<std::size_t>(s)] : "unknown";
}

result<> start_step_watch(const std::string& path) {
  unique_fd fd(::open(path.c_str(), O_RDWR | O_CLOEXEC));
  struct stat found {};
  if (!fd || ::fstat(fd.get(), &found) != 0)
    return error{errc::config_wrong_value, "cannot watch steps in " + path + ": " + errno_text(errno)};
  if (found.st_size < 4096) return error{errc::config_wrong_value, path + " must have at least 4096 octets"};
  auto* mapped = ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd.get(), 0);
  if (mapped == MAP_FAILED)
    return error{errc::config_wrong_value, "cannot map " + path + ": " + errno_text(errno)};
  detail::watched_steps = static_cast<std::atomic<std::uint32_t>*>(mapped);
  return {};
}

}  // namespace tilld::base
