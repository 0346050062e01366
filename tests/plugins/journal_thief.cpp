// Tries to get at what is not its own: a file that it is told the path of, the users, the root folder, the
// daemon.
//
// Answers with errno of each attempt, 0 where it succeeded. Reads nothing and kills nobody.
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

#include <tilld/plugin.hpp>

namespace {

struct steal {
  static constexpr const char* name = "org.tilld.test.journal-thief/1.steal";
  [[maybe_unused]] static constexpr bool changes_state = false;
  [[maybe_unused]] static constexpr std::uint32_t deadline_ms_default = 1000;
  struct reply {
    int read = 0;
    int write = 0;
    int users = 0;
    int root_folder = 0;
    int system_library = 0;  // the one thing that must succeed
    int signal_to_parent = 0;
    int inherited = 0;  // descriptor 50, which the one who started the process left open
    std::optional<std::string> test_variable;
    std::optional<std::string> other_variable;
  };
  std::string path;
};
BOOST_DESCRIBE_STRUCT(steal, (), (path))
BOOST_DESCRIBE_STRUCT(steal::reply, (),
                      (read, write, users, root_folder, system_library, signal_to_parent, inherited,
                       test_variable, other_variable))

int try_open(const char* path, int flags) {
  const int fd = ::open(path, flags | O_CLOEXEC);
  if (fd < 0) return errno;
  ::close(fd);
  return 0;
}

std::optional<std::string> variable(const char* name) {
  const char* value = std::getenv(name);
  return value ? std::optional<std::string>(value) : std::nullopt;
}

class thief {
 public:
  explicit thief(tilld::host) {}

  steal::reply on_steal(const steal& request) {
    steal::reply loot;
    loot.read = try_open(request.path.c_str(), O_RDONLY);
    loot.write = try_open(request.path.c_str(), O_WRONLY);
    loot.users = try_open("/etc/passwd", O_RDONLY);
    DIR* root = ::opendir("/");
    loot.root_folder = root ? 0 : errno;
    if (root) ::closedir(root);
    loot.system_library = try_open("/usr/lib/os-release", O_RDONLY);
    loot.signal_to_parent = ::kill(::getppid(), 0) == 0 ? 0 : errno;
    loot.inherited = ::fcntl(50, F_GETFD) >= 0 ? 0 : errno;
    loot.test_variable = variable("TILLD_TEST_WORD");
    loot.other_variable = variable("OTHER_WORD");
    return loot;
  }

  using methods = std::tuple<tilld::method<&thief::on_steal>>;
};

}  // namespace

TILLD_PLUGIN(thief, {.id = "org.tilld.test.journal-thief",
                     .version = "1.0.0",
                     .summary = "Tries to open what is not its own",
                     .provides = {"org.tilld.test.journal-thief/1"}})
