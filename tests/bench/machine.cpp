#include "tests/bench/machine.hpp"

#include <poll.h>
#include <sched.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>

namespace tilld::bench {

namespace fs = std::filesystem;

namespace {

std::string text_of(const std::string& path) {
  std::ifstream in(path);
  std::stringstream all;
  all << in.rdbuf();
  return all.str();
}

struct process_line {
  pid_t parent = 0;
  double cpu_s = 0;  // its own and that of the children it waited for
};

// Fields 4 and 14 to 17 of /proc/PID/stat, counted from behind the name.
std::optional<process_line> read_stat(pid_t pid) {
  auto text = text_of("/proc/" + std::to_string(pid) + "/stat");
  auto end = text.rfind(')');
  if (end == std::string::npos) return std::nullopt;
  std::istringstream rest(text.substr(end + 2));
  std::string state, skipped;
  process_line line;
  rest >> state >> line.parent;
  for (int field = 5; field < 14; ++field) rest >> skipped;
  double ticks = 0, one = 0;
  for (int field = 14; field <= 17; ++field) {
    rest >> one;
    ticks += one;
  }
  line.cpu_s = ticks / static_cast<double>(::sysconf(_SC_CLK_TCK));
  return line;
}

std::map<pid_t, process_line> all_processes() {
  std::map<pid_t, process_line> all;
  for (auto& entry : fs::directory_iterator("/proc")) {
    auto name = entry.path().filename().string();
    pid_t pid = 0;
    auto [at, failed] = std::from_chars(name.data(), name.data() + name.size(), pid);
    if (failed != std::errc() || *at) continue;
    if (auto line = read_stat(pid)) all[pid] = *line;
  }
  return all;
}

bool descends(const std::map<pid_t, process_line>& all, pid_t pid, pid_t from) {
  for (int generations = 0; generations < 64 && pid > 0; ++generations) {
    if (pid == from) return true;
    auto found = all.find(pid);
    if (found == all.end()) return false;
    pid = found->second.parent;
  }
  return false;
}

constexpr pid_t kernel_threads = 2;

}  // namespace

double seconds_now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

void wait_ms(int ms) { ::poll(nullptr, 0, ms); }

foreign_time::moment foreign_time::look() {
  moment m;
  m.at_s = seconds_now();
  std::istringstream line(text_of("/proc/stat"));
  std::string cpu;
  double user = 0, nice = 0, system = 0, idle = 0, waits = 0, irq = 0, soft = 0, stolen = 0;
  line >> cpu >> user >> nice >> system >> idle >> waits >> irq >> soft >> stolen;
  m.all_s = (user + nice + system + stolen) / static_cast<double>(::sysconf(_SC_CLK_TCK));
  auto all = all_processes();
  for (auto& [pid, one] : all)
    if (descends(all, pid, ::getpid()) || descends(all, pid, kernel_threads)) m.own_s += one.cpu_s;
  return m;
}

double foreign_time::cores() const {
  auto now = look();
  auto others = (now.all_s - before_.all_s) - (now.own_s - before_.own_s);
  return std::max(0.0, others / std::max(0.001, now.at_s - before_.at_s));
}

disk::disk(const std::string& folder) {
  struct stat found {};
  if (::stat(folder.c_str(), &found) != 0 || major(found.st_dev) == 0) return;
  auto link =
      "/sys/dev/block/" + std::to_string(major(found.st_dev)) + ":" + std::to_string(minor(found.st_dev));
  std::error_code failed;
  auto at = fs::canonical(link, failed);
  if (failed) return;
  // Flushes are counted for the whole disk.
  if (fs::exists(at / "partition")) at = at.parent_path();
  name_ = at.filename().string();
}

std::optional<std::uint64_t> disk::flushes() const {
  if (name_.empty()) return std::nullopt;
  std::ifstream in("/proc/diskstats");
  for (std::string line; std::getline(in, line);) {
    std::istringstream words(line);
    std::vector<std::string> all;
    for (std::string word; words >> word;) all.push_back(word);
    // Since Linux 5.5: 3 words, 15 counts of reads, writes and discards, then flushes and their time.
    if (all.size() >= 20 && all[2] == name_) return std::stoull(all[18]);
  }
  return std::nullopt;
}

void stay_on_core(int core) {
  cpu_set_t cores;
  CPU_ZERO(&cores);
  CPU_SET(core % core_count(), &cores);
  ::sched_setaffinity(0, sizeof cores, &cores);
}

void stay_anywhere() {
  cpu_set_t cores;
  CPU_ZERO(&cores);
  for (int i = 0; i < core_count(); ++i) CPU_SET(i, &cores);
  ::sched_setaffinity(0, sizeof cores, &cores);
}

int core_count() { return static_cast<int>(std::max(1L, ::sysconf(_SC_NPROCESSORS_ONLN))); }

std::vector<pid_t> tree_of(pid_t root) {
  auto all = all_processes();
  std::vector<pid_t> found;
  for (auto& [pid, one] : all)
    if (descends(all, pid, root)) found.push_back(pid);
  return found;
}

std::optional<double> memory_mb(const std::vector<pid_t>& processes) {
  double kb = 0;
  for (auto pid : processes) {
    std::istringstream lines(text_of("/proc/" + std::to_string(pid) + "/smaps_rollup"));
    bool seen = false;
    for (std::string word; lines >> word;)
      if (word == "Pss:") {
        double one = 0;
        lines >> one;
        kb += one;
        seen = true;
        break;
      }
    if (!seen) return std::nullopt;
  }
  return kb * 1024 / 1e6;
}

std::uint64_t wake_ups(const std::vector<pid_t>& processes) {
  std::uint64_t sum = 0;
  for (auto pid : processes) {
    std::error_code failed;
    for (auto& task : fs::directory_iterator("/proc/" + std::to_string(pid) + "/task", failed)) {
      std::istringstream lines(text_of(task.path().string() + "/status"));
      for (std::string word; lines >> word;)
        if (word == "voluntary_ctxt_switches:") {
          std::uint64_t one = 0;
          lines >> one;
          sum += one;
        }
    }
  }
  return sum;
}

std::string describe_machine(const std::string& folder) {
  std::string text = std::to_string(core_count()) + " cores, ";
  auto pages = static_cast<double>(::sysconf(_SC_PHYS_PAGES)) * static_cast<double>(::sysconf(_SC_PAGESIZE));
  text += std::to_string(static_cast<int>(std::lround(pages / (1 << 30)))) + " GiB, Linux ";
  utsname kernel{};
  ::uname(&kernel);
  std::string release = kernel.release;
  auto dot = release.find('.');
  text += release.substr(0, release.find_first_not_of("0123456789", dot + 1)) + ", ";
  struct statfs found {};
  ::statfs(folder.c_str(), &found);
  switch (static_cast<unsigned>(found.f_type)) {
    case 0xEF53: text += "ext4"; break;
    case 0x58465342: text += "xfs"; break;
    case 0x9123683E: text += "btrfs"; break;
    case 0x01021994: text += "tmpfs"; break;
    default: text += "another file system"; break;
  }
  auto name = disk(folder).name();
  if (name.starts_with("nvme"))
    text += " on an NVMe disk";
  else if (name.starts_with("mmcblk"))
    text += " on eMMC";
  else if (name.starts_with("vd") || name.starts_with("xvd"))
    text += " on a virtual disk";
  else if (!name.empty())
    text += text_of("/sys/block/" + name + "/queue/rotational").starts_with("1") ? " on a rotating disk"
                                                                                 : " on an SSD";
  return text;
}

}  // namespace tilld::bench
