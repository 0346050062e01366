#include "plugin-api/check/probe.hpp"

#include <dirent.h>
#include <dlfcn.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <new>

namespace {

std::atomic<tilld::plugin_check::probe*> noting{nullptr};

// Only what the plugin itself asks counts: libraries read LANG and the like for themselves. A plugin is
// loaded through its descriptor, so that is the name of its object.
void note(const void* caller, const char* name) {
  auto* to = noting.load();
  Dl_info object{};
  if (!to || !::dladdr(caller, &object) || !object.dli_fname) return;
  if (std::string_view(object.dli_fname).starts_with("/proc/self/fd/")) to->environment.set(name ? name : "");
}

char* look_up(const char* name) {
  const auto size = name ? std::strlen(name) : 0;
  for (char** entry = environ; size && entry && *entry; ++entry)
    if (std::strncmp(*entry, name, size) == 0 && (*entry)[size] == '=') return *entry + size + 1;
  return nullptr;
}

}  // namespace

// These stand before those of the C library for everything that is loaded into this program.
extern "C" __attribute__((visibility("default"))) char* getenv(const char* name) noexcept {
  note(__builtin_return_address(0), name);
  return look_up(name);
}
extern "C" __attribute__((visibility("default"))) char* secure_getenv(const char* name) noexcept {
  note(__builtin_return_address(0), name);
  return look_up(name);
}

namespace tilld::plugin_check {

namespace {

// Calls back with the name of each entry.
template <class Visit>
void each_entry(const char* folder, Visit visit) {
  DIR* open = ::opendir(folder);
  if (!open) return;
  while (const auto* entry = ::readdir(open))
    if (entry->d_name[0] != '.') visit(std::string(entry->d_name), ::dirfd(open));
  ::closedir(open);
}

void* handler_of(int number) {
  struct sigaction now {};
  if (::sigaction(number, nullptr, &now) != 0) return nullptr;
  return now.sa_flags & SA_SIGINFO ? reinterpret_cast<void*>(now.sa_sigaction)
                                   : reinterpret_cast<void*>(now.sa_handler);
}

bool is_plugin_file(const std::string& entry, int folder) {
  char target[512];
  const auto size = ::readlinkat(folder, entry.c_str(), target, sizeof target);
  return size > 3 && std::string_view(target, static_cast<std::size_t>(size)).ends_with(".so");
}

}  // namespace

void unmap_probe::operator()(probe* it) const { ::munmap(it, sizeof(probe)); }

shared_probe make_probe() {
  void* at = ::mmap(nullptr, sizeof(probe), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (at == MAP_FAILED) throw std::bad_alloc();
  return shared_probe(new (at) probe);
}

void note_environment_reads_in(probe* it) { noting = it; }

footprint::footprint() : handlers_{} {
  for (int number = 1; number < NSIG && number < 65; ++number) handlers_[number] = handler_of(number);
}

void footprint::compare(probe& to) const {
  for (int number = 1; number < NSIG && number < 65; ++number)
    if (handlers_[number] != handler_of(number)) {
      const char* name = ::sigabbrev_np(number);
      to.signals.set(name ? "SIG" + std::string(name) : "signal " + std::to_string(number));
    }
  char where[512] = "a folder that is gone";
  if (!::getcwd(where, sizeof where) || std::strcmp(where, "/") != 0) to.folder.set(where);
  if (environ && *environ) to.environment_left.set(*environ);
}

probe::measure measure_process() {
  probe::measure now;
  each_entry("/proc/self/fd", [&](const std::string& entry, int folder) {
    if (entry != std::to_string(folder) && !is_plugin_file(entry, folder)) ++now.descriptors;
  });
  each_entry("/proc/self/task", [&](const std::string&, int) { ++now.threads; });
  if (auto* file = std::fopen("/proc/self/statm", "re")) {
    unsigned long long total = 0, resident = 0;
    if (std::fscanf(file, "%llu %llu", &total, &resident) == 2)
      now.resident_bytes = resident * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
    std::fclose(file);
  }
  return now;
}

}  // namespace tilld::plugin_check
