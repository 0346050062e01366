#include "daemon/plugin_host/sandbox.hpp"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>

#include "base/file.hpp"

namespace tilld::daemon::plugin_host {

namespace {

// From linux/landlock.h of a newer kernel than Debian 12's headers. Stable: this is the kernel's ABI.
constexpr std::uint32_t flag_version = 1;
constexpr int rule_path_beneath = 1;

// The missing ones make devices (1 << 6, 1 << 11), which no plugin may.
constexpr std::uint64_t fs_execute = 1 << 0;
constexpr std::uint64_t fs_write_file = 1 << 1;
constexpr std::uint64_t fs_read_file = 1 << 2;
constexpr std::uint64_t fs_read_dir = 1 << 3;
constexpr std::uint64_t fs_remove_dir = 1 << 4;
constexpr std::uint64_t fs_remove_file = 1 << 5;
constexpr std::uint64_t fs_make_dir = 1 << 7;
constexpr std::uint64_t fs_make_reg = 1 << 8;
constexpr std::uint64_t fs_make_sock = 1 << 9;
constexpr std::uint64_t fs_make_fifo = 1 << 10;
constexpr std::uint64_t fs_make_sym = 1 << 12;
constexpr std::uint64_t fs_refer = 1 << 13;      // since 2
constexpr std::uint64_t fs_truncate = 1 << 14;   // since 3
constexpr std::uint64_t fs_ioctl_dev = 1 << 15;  // since 5

constexpr std::uint64_t scope_abstract_unix_socket = 1 << 0;  // since 6
constexpr std::uint64_t scope_signal = 1 << 1;                // since 6

struct ruleset_attributes {
  std::uint64_t handled_fs;
  std::uint64_t handled_net;  // since 4
  std::uint64_t scoped;       // since 6
};

struct [[gnu::packed]] path_beneath {
  std::uint64_t allowed;
  std::int32_t parent;
};

constexpr std::uint64_t may_read = fs_read_file | fs_read_dir;
constexpr std::uint64_t may_run = may_read | fs_execute;
constexpr std::uint64_t may_write = may_read | fs_write_file | fs_remove_dir | fs_remove_file | fs_make_dir |
                                    fs_make_reg | fs_make_sock | fs_make_fifo | fs_make_sym | fs_truncate |
                                    fs_ioctl_dev;
// What a rule may say of something that is not a folder.
constexpr std::uint64_t for_files = fs_execute | fs_write_file | fs_read_file | fs_truncate | fs_ioctl_dev;

struct rule {
  const char* path;
  std::uint64_t allowed;
};

constexpr rule system_rules[] = {
    {"/usr", may_run},
    {"/lib", may_run},
    {"/lib64", may_run},
    {"/etc/fonts", may_read},
    {"/etc/ld.so.cache", may_read},
    {"/etc/localtime", may_read},
    {"/var/cache/fontconfig", may_read},
    {"/dev/null", may_write},
    {"/dev/zero", may_write},
    {"/dev/urandom", may_write},
#ifdef TILLD_SANITIZED
    {"/proc/self", may_read},  // the sanitizers look at their own process to write a report
#endif
};

std::uint64_t known_rights(int abi) {
  auto all = (fs_refer << 1) - 1;
  if (abi < 2) all &= ~fs_refer;
  if (abi >= 3) all |= fs_truncate;
  if (abi >= 5) all |= fs_ioctl_dev;
  return all;
}

class ruleset {
 public:
  explicit ruleset(int abi) : known_(known_rights(abi)) {
    const ruleset_attributes all{known_, 0, abi >= 6 ? scope_abstract_unix_socket | scope_signal : 0};
    const std::size_t size = abi >= 6 ? 24 : abi >= 4 ? 16 : 8;
    descriptor_.reset(static_cast<int>(::syscall(SYS_landlock_create_ruleset, &all, size, 0)));
  }
  bool valid() const { return static_cast<bool>(descriptor_); }

  // False with errno.
  bool allow(int descriptor, std::uint64_t rights) {
    struct stat what {};
    if (::fstat(descriptor, &what) != 0) return false;
    if (!S_ISDIR(what.st_mode)) rights &= for_files;
    const path_beneath beneath{rights & known_, descriptor};
    return ::syscall(SYS_landlock_add_rule, descriptor_.get(), rule_path_beneath, &beneath, 0) == 0;
  }
  bool allow(const char* path, std::uint64_t rights) {
    const base::unique_fd opened(::open(path, O_PATH | O_CLOEXEC));
    return opened && allow(opened.get(), rights);
  }

  bool restrict_this_thread() const {
    return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           ::syscall(SYS_landlock_restrict_self, descriptor_.get(), 0) == 0;
  }

 private:
  std::uint64_t known_;
  base::unique_fd descriptor_;
};

base::error refused(const std::string& what) {
  return {base::errc::plugin_refused, "sandbox: " + what + ": " + base::errno_text(errno)};
}

}  // namespace

base::result<sandbox_report> enter_sandbox(std::span<const allowed_path> allowed, int plugin_descriptor) {
  sandbox_report report;
  const auto abi = ::syscall(SYS_landlock_create_ruleset, nullptr, 0, flag_version);
  if (abi < 1) {
    report.note =
        "this kernel has no Landlock, or it is switched off: the plugin can open every file that the daemon "
        "can";
    return report;
  }
  report.landlock_abi = static_cast<int>(abi);
  ruleset rules(report.landlock_abi);
  if (!rules.valid()) return refused("cannot make the rules");
  for (const auto& [path, rights] : system_rules)
    if (!rules.allow(path, rights) && errno != ENOENT) return refused(path);
  if (!rules.allow(plugin_descriptor, may_run)) return refused("the plugin's own file");
  for (const auto& [path, writable] : allowed) {
    const base::unique_fd opened(::open(path.c_str(), O_PATH | O_CLOEXEC));
    if (!opened) {
      report.note += (report.note.empty() ? "" : "; ") + path + ": " + base::errno_text(errno);
    } else if (!rules.allow(opened.get(), writable ? may_write : may_read)) {
      return refused(path);
    }
  }
  if (!rules.restrict_this_thread()) return refused("the kernel does not apply the rules");
  report.paths_restricted = true;
  return report;
}

}  // namespace tilld::daemon::plugin_host
