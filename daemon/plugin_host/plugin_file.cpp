#include "daemon/plugin_host/plugin_file.hpp"

#include <dlfcn.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <mutex>
#include <set>
#include <string_view>
#include <vector>

#define BOOST_DLL_USE_STD_FS
#include <boost/dll/shared_library.hpp>

#include "daemon/plugin_host/elf.hpp"
#include "plugin-api/catalogue.hpp"

namespace tilld::daemon::plugin_host {

namespace {

using base::errc;
using base::error;

constexpr std::size_t file_size_max = 512 << 20;
constexpr std::size_t interfaces_max = 64;

base::result<> check_owner(const struct stat& file) {
  if (!S_ISREG(file.st_mode)) return error{errc::plugin_refused, "is not a regular file"};
  if (file.st_uid != 0 && file.st_uid != ::geteuid())
    return error{errc::plugin_refused, "belongs to user " + std::to_string(file.st_uid) +
                                           "; it must belong to root or to the user that loads it"};
  if (file.st_mode & (S_IWGRP | S_IWOTH))
    return error{errc::plugin_refused, "may be written by its group or by others; mend it with chmod go-w"};
  return {};
}

bool begins_with_any(std::string_view text, std::initializer_list<std::string_view> beginnings) {
  return std::any_of(beginnings.begin(), beginnings.end(), [text](auto b) { return text.starts_with(b); });
}

base::result<> check_facts(const elf_facts& facts, placement where) {
  constexpr std::string_view entry = "tilld_plugin_v1";
  bool has_entry = false;
  for (const auto& symbol : facts.exported) {
    if (symbol.starts_with("sqlite3_"))
      return error{errc::plugin_refused,
                   "exports " + symbol + ": a second SQLite would bind to the daemon's"};
    if (symbol != entry)
      return error{errc::plugin_refused,
                   "exports " + symbol + "; only tilld_plugin_v1 may be visible (link with plugin.version)"};
    has_entry = true;
  }
  if (!has_entry) return error{errc::plugin_refused, "does not export tilld_plugin_v1"};
  if (facts.has_run_path)
    return error{errc::plugin_refused, "has a run path for libraries; link without rpath"};
  if (where == placement::daemon_thread)
    for (const auto& library : facts.needed)
      if (begins_with_any(library, {"libsqlite3.", "libusb-", "libnfc."}))
        return error{errc::plugin_refused, "needs " + library + " and may run only with isolation: process"};
  return {};
}

// The whole file as memory, for as long as the object lives.
class mapping {
 public:
  mapping(int descriptor, std::size_t size)
      : size_(size), at_(::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, descriptor, 0)) {}
  mapping(const mapping&) = delete;
  ~mapping() {
    if (at_ != MAP_FAILED) ::munmap(at_, size_);
  }
  base::byte_view octets() const {
    return at_ == MAP_FAILED ? base::byte_view()
                             : base::byte_view(static_cast<const std::uint8_t*>(at_), size_);
  }

 private:
  std::size_t size_;
  void* at_;
};

// Libraries that were loaded and their descriptors. Never emptied.
struct loaded_libraries {
  std::mutex guard;
  std::vector<boost::dll::shared_library> libraries;
  std::vector<base::unique_fd> descriptors;
};

loaded_libraries& loaded() {
  static auto& all = *new loaded_libraries;
  return all;
}

// Which symbol or library is missing. Boost.DLL makes one error of all; what dlerror() says stands until the
// next call of the loader on this thread.
std::string last_words_of_loader(const std::string& otherwise) {
  const char* said = ::dlerror();
  if (!said) return otherwise;
  std::string_view words(said);
  // The file is known to who asks, by a better name than its descriptor's.
  if (words.starts_with("/proc/self/fd/") && words.find(": ") != words.npos)
    words.remove_prefix(words.find(": ") + 2);
  return std::string(words);
}

bool is_printable(const char* text, std::size_t size_max) {
  if (!text || !*text) return false;
  const std::string_view view(text);
  return view.size() <= size_max &&
         std::none_of(view.begin(), view.end(), [](char c) { return c >= 0 && c < ' '; });
}

bool is_plugin_id(const char* text) {
  if (!is_printable(text, 64)) return false;
  return catalogue::is_interface_name(std::string(text) + "/1");
}

base::result<> check_interfaces(const char* const* names, const char* member) {
  std::set<std::string_view> seen;
  for (std::size_t i = 0; names && names[i]; ++i) {
    if (i == interfaces_max)
      return error{errc::plugin_refused, std::string(member) + " names more than 64 interfaces"};
    if (!catalogue::is_interface_name(names[i]))
      return error{errc::plugin_refused,
                   std::string(member) + " has a name that is not like com.example.scale/1"};
    if (!seen.insert(names[i]).second)
      return error{errc::plugin_refused, std::string(member) + " names " + names[i] + " twice"};
  }
  return {};
}

}  // namespace

base::result<plugin_file> plugin_file::open(const std::string& path, placement where) {
  const auto because = [&path](error why) {
    why.detail = path + ": " + why.detail;
    return why;
  };
  base::unique_fd descriptor(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  if (!descriptor) {
    if (errno == ELOOP) return because({errc::plugin_refused, "is a symbolic link; name the file itself"});
    return because({errc::plugin_missing, base::errno_text(errno)});
  }
  struct stat file {};
  if (::fstat(descriptor.get(), &file) != 0) return because({errc::plugin_missing, base::errno_text(errno)});
  if (auto fine = check_owner(file); !fine) return because(fine.error());
  const auto size = static_cast<std::size_t>(file.st_size);
  if (size == 0 || size > file_size_max)
    return because({errc::plugin_missing, "is empty or larger than 512 MiB"});
  const mapping content(descriptor.get(), size);
  const auto facts = read_elf(content.octets());
  if (!facts) return because(facts.error());
  if (auto fine = check_facts(*facts, where); !fine) return because(fine.error());
  return plugin_file(std::move(descriptor));
}

base::result<const tilld_plugin*> plugin_file::load() && {
  auto& all = loaded();
  const std::lock_guard hold(all.guard);
  boost::dll::fs::error_code failed;
  boost::dll::shared_library library("/proc/self/fd/" + std::to_string(descriptor_.get()),
                                     boost::dll::load_mode::rtld_now | boost::dll::load_mode::rtld_local,
                                     failed);
  if (failed)
    return error{errc::plugin_missing, "the loader says: " + last_words_of_loader(failed.message())};
  all.descriptors.push_back(std::move(descriptor_));
  all.libraries.push_back(library);
  const auto& entry = library.get<const tilld_plugin*()>("tilld_plugin_v1");
  const auto* plugin = entry();
  if (auto fine = check_descriptor(plugin); !fine) return fine.error();
  if (entry() != plugin) return error{errc::plugin_refused, "describes itself differently each time"};
  return plugin;
}

base::result<> check_descriptor(const tilld_plugin* plugin) {
  if (!plugin) return error{errc::plugin_refused, "does not describe itself"};
  if (plugin->struct_size < sizeof(tilld_plugin) || plugin->abi != TILLD_ABI)
    return error{errc::plugin_refused, "was built for another ABI than " + std::to_string(TILLD_ABI)};
  if (!is_plugin_id(plugin->id))
    return error{errc::plugin_refused, "has an id that is not like com.example.scale"};
  if (!is_printable(plugin->version, 32)) return error{errc::plugin_refused, "has no version"};
  if (!is_printable(plugin->summary, 200)) return error{errc::plugin_refused, "has no summary"};
  if (!plugin->start || !plugin->stop || !plugin->on_message)
    return error{errc::plugin_refused, "lacks start, stop or on_message"};
  if (!plugin->config_schema || !*plugin->config_schema)
    return error{errc::plugin_refused, "has no config_schema"};
  if (auto fine = check_interfaces(plugin->provides, "provides"); !fine) return fine;
  return check_interfaces(plugin->uses, "uses");
}

}  // namespace tilld::daemon::plugin_host
