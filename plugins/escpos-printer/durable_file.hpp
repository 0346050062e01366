// Files that are there whole or not at all, also after a power cut.
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "plugins/escpos-printer/result.hpp"

namespace tilld::escpos {

// A descriptor that closes itself.
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
  void reset(int fd = -1);

 private:
  int fd_ = -1;
};

// Writes beside the target, syncs, renames over it and syncs the folder. Mode 0600: receipts have names on
// them.
result<> write_durably(const std::string& path, std::string_view content);

// What errno means, in the words of the C library.
std::string errno_text(int error_number);

}  // namespace tilld::escpos
