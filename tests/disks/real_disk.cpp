#include "tests/disks/real_disk.hpp"

#include <fcntl.h>
#include <linux/loop.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include "base/file.hpp"
#include "tests/support/process.hpp"
#include "tests/support/shop.hpp"

namespace tilld::disks {

using std::chrono::milliseconds;
using tests::give_up;

namespace {

// linux/fs/ext4/ext4.h; no header for programs has them.
constexpr unsigned long shutdown_ioctl = _IOR('X', 125, std::uint32_t);
constexpr std::uint32_t no_log_flush = 2;

void run(const std::string& program, std::vector<std::string> arguments) {
  tests::process::how how;
  how.arguments = std::move(arguments);
  how.log = "/dev/null";
  tests::process p(program, how);
  if (p.wait(milliseconds(30'000)) != 0) give_up(program + " failed");
}

std::string make_file_system() {
  for (auto* place : {"/usr/sbin/mkfs.ext4", "/sbin/mkfs.ext4"})
    if (::access(place, X_OK) == 0) return place;
  return "";
}

}  // namespace

std::string real_disk::missing() {
  if (::geteuid() != 0) return "only root can mount a disk";
  if (make_file_system().empty()) return "mkfs.ext4 is not installed";
  base::unique_fd control(::open("/dev/loop-control", O_RDWR | O_CLOEXEC));
  if (!control) return "there are no loop devices: " + base::errno_text(errno);
  int number = ::ioctl(control.get(), LOOP_CTL_GET_FREE);
  if (number < 0 || ::access(("/dev/loop" + std::to_string(number)).c_str(), R_OK | W_OK) != 0)
    return "there is no free loop device";
  return "";
}

real_disk::real_disk(std::string image, std::string mount_point)
    : image_(std::move(image)), mount_point_(std::move(mount_point)) {
  std::filesystem::create_directories(mount_point_);
}

real_disk::~real_disk() {
  if (folder_ >= 0) ::close(folder_);
  if (mounted_) ::umount2(mount_point_.c_str(), MNT_DETACH);
  if (loop_ >= 0) {
    ::ioctl(loop_, LOOP_CLR_FD);
    ::close(loop_);
  }
}

void real_disk::make(int size_mib) {
  if (mounted_ && !unmount()) give_up("the old disk is still in use");
  if (loop_ >= 0) {
    ::ioctl(loop_, LOOP_CLR_FD);
    ::close(loop_);
  }
  ::unlink(image_.c_str());
  base::unique_fd file(::open(image_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!file || ::ftruncate(file.get(), static_cast<off_t>(size_mib) << 20) != 0)
    give_up("cannot make " + image_);
  run(make_file_system(), {"-q", "-F", "-E", "lazy_itable_init=0,lazy_journal_init=0", image_});
  base::unique_fd control(::open("/dev/loop-control", O_RDWR | O_CLOEXEC));
  // Somebody else may take the one that was free a moment ago.
  for (int tries = 0; tries < 20; ++tries) {
    device_ = "/dev/loop" + std::to_string(::ioctl(control.get(), LOOP_CTL_GET_FREE));
    loop_ = ::open(device_.c_str(), O_RDWR | O_CLOEXEC);
    if (loop_ >= 0 && ::ioctl(loop_, LOOP_SET_FD, file.get()) == 0) return;
    if (loop_ >= 0) ::close(loop_);
    loop_ = -1;
  }
  give_up("no loop device could be had");
}

void real_disk::mount() {
  if (::mount(device_.c_str(), mount_point_.c_str(), "ext4", MS_NOATIME, "") != 0)
    give_up("mount " + device_ + ": " + base::errno_text(errno));
  mounted_ = true;
  folder_ = ::open(mount_point_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

void real_disk::cut_power() {
  std::uint32_t how = no_log_flush;
  if (::ioctl(folder_, shutdown_ioctl, &how) != 0) give_up("EXT4_IOC_SHUTDOWN: " + base::errno_text(errno));
}

bool real_disk::unmount() {
  if (folder_ >= 0) ::close(folder_);
  folder_ = -1;
  // The kernel lets go of a dead process's files a moment after it was waited for.
  for (int tries = 0; tries < 1000; ++tries) {
    if (::umount2(mount_point_.c_str(), 0) == 0) {
      mounted_ = false;
      return true;
    }
    if (errno != EBUSY) return false;
    ::poll(nullptr, 0, 5);
  }
  return false;
}

}  // namespace tilld::disks
