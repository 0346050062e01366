#include "base/file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <system_error>

#include "base/crypto.hpp"

namespace tilld::base {
namespace {

error failure(const std::string& doing, const std::string& path, int error_number) {
  auto code = error_number == ENOSPC || error_number == EDQUOT ? errc::storage_full : errc::storage_failed;
  return {code, doing + " " + path + ": " + errno_text(error_number)};
}

result<> write_all(int fd, byte_view content, const std::string& path) {
  while (!content.empty()) {
    auto n = ::write(fd, content.data(), content.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return failure("write", path, errno);
    content = content.subspan(static_cast<std::size_t>(n));
  }
  return {};
}

}  // namespace

void unique_fd::reset(int fd) {
  if (fd_ >= 0) ::close(fd_);
  fd_ = fd;
}

std::string errno_text(int error_number) { return std::generic_category().message(error_number); }

result<byte_string> read_file(const std::string& path, std::size_t size_max) {
  unique_fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return failure("open", path, errno);
  byte_string content;
  std::uint8_t chunk[16384];
  for (;;) {
    auto n = ::read(fd.get(), chunk, sizeof chunk);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return failure("read", path, errno);
    if (n == 0) return content;
    if (content.size() + static_cast<std::size_t>(n) > size_max)
      return error{errc::storage_failed, path + " is larger than " + std::to_string(size_max) + " octets"};
    content.insert(content.end(), chunk, chunk + n);
  }
}

result<> write_file_durably(const std::string& path, byte_view content, mode_t mode) {
  auto beside = path + ".new";
  {
    unique_fd fd(::open(beside.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, mode));
    if (!fd) return failure("create", beside, errno);
    if (::fchmod(fd.get(), mode) != 0) return failure("set mode of", beside, errno);
    if (auto written = write_all(fd.get(), content, beside); !written) return written.error();
    if (::fsync(fd.get()) != 0) return failure("sync", beside, errno);
  }
  if (::rename(beside.c_str(), path.c_str()) != 0) return failure("rename to", path, errno);
  return sync_folder_of(path);
}

result<> sync_folder_of(const std::string& path) {
  auto folder = std::filesystem::path(path).parent_path().string();
  unique_fd fd(::open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd || ::fsync(fd.get()) != 0) return failure("sync folder", folder, errno);
  return {};
}

result<> make_folders(const std::string& path, mode_t mode) {
  std::string made;
  for (auto& part : std::filesystem::path(path)) {
    made = made.empty() ? part.string() : (std::filesystem::path(made) / part).string();
    if (made.empty() || made == "/") continue;
    if (::mkdir(made.c_str(), mode) == 0) {
      if (auto synced = sync_folder_of(made); !synced) return synced.error();
    } else if (errno != EEXIST) {
      return failure("make folder", made, errno);
    }
  }
  struct stat found {};
  if (::stat(path.c_str(), &found) != 0 || !S_ISDIR(found.st_mode))
    return failure("use folder", path, ENOTDIR);
  return {};
}

result<byte_string> load_or_create_secret(const std::string& path, std::size_t size) {
  struct stat found {};
  if (::stat(path.c_str(), &found) != 0) {
    if (errno != ENOENT) return failure("look at", path, errno);
    byte_string fresh(size);
    random_bytes(fresh);
    if (auto written = write_file_durably(path, fresh, 0600); !written) return written.error();
    return fresh;
  }
  if (found.st_mode & 077)
    return error{errc::storage_failed,
                 path + " can be read by others; set its mode to 0600 and replace the key"};
  auto content = read_file(path, size);
  if (!content) return content.error();
  if (content->size() != size)
    return error{errc::storage_failed, path + " must have " + std::to_string(size) + " octets"};
  return content;
}

}  // namespace tilld::base
