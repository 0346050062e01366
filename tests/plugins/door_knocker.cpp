// Tries to come in by the till's own door: from its process, from a child of it, and from a grandchild that
// has left its session and lost its parent. Says who of them got an answer.
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <string>

#include <tilld/plugin.hpp>

namespace {

struct knock {
  static constexpr const char* name = "org.tilld.test.door-knocker/1.knock";
  [[maybe_unused]] static constexpr bool changes_state = false;
  [[maybe_unused]] static constexpr std::uint32_t deadline_ms_default = 10'000;
  struct reply {
    bool connected = false;  // the socket itself was in reach
    bool self = false, child = false, orphan = false;
  };
  std::string path;
};
BOOST_DESCRIBE_STRUCT(knock, (), (path))
BOOST_DESCRIBE_STRUCT(knock::reply, (), (connected, self, child, orphan))

int reach(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
  int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0) return fd;
  ::close(fd);
  return -1;
}

bool is_answered(const std::string& path) {
  int fd = reach(path);
  if (fd < 0) return false;
  static constexpr char line[] = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"system.ping\"}\n";
  char c = 0;
  pollfd p{fd, POLLIN, 0};
  bool answered = ::send(fd, line, sizeof line - 1, MSG_NOSIGNAL) > 0 && ::poll(&p, 1, 2000) == 1 &&
                  ::recv(fd, &c, 1, 0) == 1;
  ::close(fd);
  return answered;
}

// Runs the attempt in another process and reads its verdict from a pipe.
bool from_another_process(const std::string& path, bool orphaned) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return false;
  auto verdict = [&] {
    char c = is_answered(path) ? 'y' : 'n';
    (void)!::write(ends[1], &c, 1);
    ::_exit(0);
  };
  pid_t child = ::fork();
  if (child == 0) {
    if (!orphaned) verdict();
    ::setsid();
    pid_t middle = ::getpid();
    if (::fork() != 0) ::_exit(0);
    while (::getppid() == middle) ::poll(nullptr, 0, 1);
    verdict();
  }
  ::close(ends[1]);
  ::waitpid(child, nullptr, 0);
  char c = 'n';
  (void)!::read(ends[0], &c, 1);
  ::close(ends[0]);
  return c == 'y';
}

class knocker {
 public:
  explicit knocker(tilld::host) {}

  knock::reply on_knock(const knock& request) {
    knock::reply seen;
    int fd = reach(request.path);
    seen.connected = fd >= 0;
    if (fd >= 0) ::close(fd);
    seen.self = is_answered(request.path);
    seen.child = from_another_process(request.path, false);
    seen.orphan = from_another_process(request.path, true);
    return seen;
  }

  using methods = std::tuple<tilld::method<&knocker::on_knock>>;
};

}  // namespace

TILLD_PLUGIN(knocker, {.id = "org.tilld.test.door-knocker",
                       .version = "1.0.0",
                       .summary = "Tries the till's own socket",
                       .provides = {"org.tilld.test.door-knocker/1"}})
