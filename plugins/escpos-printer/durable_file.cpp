#include "plugins/escpos-printer/durable_file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <system_error>

namespace tilld::escpos {
namespace {

error failed(const char* what, const std::string& path) {
  return {errc::storage_failed, std::string("cannot ") + what + " " + path + ": " + errno_text(errno)};
}

bool write_all(int fd, std::string_view content) {
  while (!content.empty()) {
    ssize_t n = ::write(fd, content.data(), content.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return false;
    content.remove_prefix(std::size_t(n));
  }
  return true;
}

result<> fill(const std::string& path, std::string_view content) {
  unique_fd file(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  if (!file) return failed("make", path);
  if (!write_all(file.get(), content)) return failed("write", path);
  if (::fsync(file.get()) != 0) return failed("sync", path);
  return {};
}

}  // namespace

void unique_fd::reset(int fd) {
  if (fd_ >= 0) ::close(fd_);
  fd_ = fd;
}

result<> write_durably(const std::string& path, std::string_view content) {
  auto beside = path + ".new";
  auto filled = fill(beside, content);
  if (filled && std::rename(beside.c_str(), path.c_str()) != 0) filled = failed("rename", beside);
  if (!filled) {
    ::unlink(beside.c_str());
    return filled;
  }
  auto folder = path.substr(0, path.rfind('/') + 1);
  unique_fd opened(::open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!opened || ::fsync(opened.get()) != 0) return failed("sync", folder);
  return {};
}

std::string errno_text(int error_number) { return std::system_category().message(error_number); }

}  // namespace tilld::escpos
