// What the bench must know of the machine: who else computes, how often the disk was flushed, what a tree of
// processes holds and how often it wakes. Everything is read from /proc and /sys.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace tilld::bench {

// Processor time of everybody who is neither this process nor below it, nor the kernel itself: a flush needs
// the kernel's threads.
class foreign_time {
 public:
  foreign_time() : before_(look()) {}
  // Cores that others used since the object was made.
  double cores() const;

 private:
  struct moment {
    double all_s = 0, own_s = 0, at_s = 0;
  };
  static moment look();
  moment before_;
};

// The disk under a folder.
class disk {
 public:
  explicit disk(const std::string& folder);
  // Flushes that the disk has done since it was made; nothing where the kernel does not count them, as on
  // tmpfs.
  std::optional<std::uint64_t> flushes() const;
  const std::string& name() const { return name_; }  // "vda"; empty without a disk

 private:
  std::string name_;
};

// This process and what it starts from now on stay on this core.
void stay_on_core(int core);
void stay_anywhere();
int core_count();

// The process and all below it.
std::vector<pid_t> tree_of(pid_t root);
// Proportional set size in MB; nothing when a process of it does not let this user look.
std::optional<double> memory_mb(const std::vector<pid_t>& processes);
// How often their threads were switched to so far.
std::uint64_t wake_ups(const std::vector<pid_t>& processes);

// "2 cores, 24 GiB, Linux 6.1, ext4 on a virtual disk": without a name or a path of this machine.
std::string describe_machine(const std::string& folder);

double seconds_now();
void wait_ms(int ms);

}  // namespace tilld::bench
