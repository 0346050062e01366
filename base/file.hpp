// Files the way a program that must not lose them writes them: a descriptor that closes itself, whole-file
// reads with a limit, and replacement that is either done and durable or not done.
#pragma once

#include <sys/types.h>

#include <string>
#include <utility>

#include "base/bytes.hpp"
#include "base/error.hpp"

namespace tilld::base {

class unique_fd {
 public:
  unique_fd() = default;
  explicit unique_fd(int fd) : fd_(fd) {}
  unique_fd(unique_fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  unique_fd& operator=(unique_fd&& other) noexcept {
    if (this != &other) reset(std::exchange(other.fd_, -1));
    return *this;
  }
  ~unique_fd() { reset(); }
  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }
  int release() { return std::exchange(fd_, -1); }
  void reset(int fd = -1);

 private:
  int fd_ = -1;
};

// Reads at most size_max octets; a longer file is an error, never cut silently.
result<byte_string> read_file(const std::string& path, std::size_t size_max = 64 << 20);

// Writes beside the target, syncs, renames over it and syncs the folder: after a power cut the path holds the
// old content or the new one, whole.
result<> write_file_durably(const std::string& path, byte_view content, mode_t mode = 0600);

// Syncs the folder in which the path lies: a name that was made or removed there is durable then.
result<> sync_folder_of(const std::string& path);

// The folder and its parents, with this mode for those that are made; their names are durable.
result<> make_folders(const std::string& path, mode_t mode = 0700);

// Secret octets of a fixed size that are made at first use and kept: mode 0600, durable before they are
// returned. A file that group or others can read is refused: what it protects can no longer be trusted.
result<byte_string> load_or_create_secret(const std::string& path, std::size_t size);

// What errno means, in the words of the C library.
std::string errno_text(int error_number);

}  // namespace tilld::base
