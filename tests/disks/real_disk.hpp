// A small ext4 of its own in a file, mounted through a loop device, that can lose its power: the kernel then
// lets nothing more through to it and forgets what was not flushed. Needs root and loop devices.
#pragma once

#include <string>

namespace tilld::disks {

// What a test program ends with where it cannot run at all.
inline constexpr int exit_skipped = 77;

class real_disk {
 public:
  // Makes the file and the file system in it; mount() comes next.
  real_disk(std::string image, std::string mount_point);
  ~real_disk();
  real_disk(const real_disk&) = delete;

  // Why there can be none here; empty when there can.
  static std::string missing();

  // An empty file system of so many MiB.
  void make(int size_mib);
  void mount();
  // EXT4_IOC_SHUTDOWN without a last flush of its journal.
  void cut_power();
  // Everything that had files open there must be gone. False when something has not.
  bool unmount();

 private:
  std::string image_, mount_point_, device_;
  int loop_ = -1;
  int folder_ = -1;  // what the power is cut through
  bool mounted_ = false;
};

}  // namespace tilld::disks
