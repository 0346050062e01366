#include <sys/socket.h>

#include <thread>

#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include "base/as_result.hpp"
#include "base/file.hpp"
#include "daemon/plugin_host/runner.hpp"
#include "daemon/plugins/host_process.hpp"

namespace tilld::daemon {

namespace asio = boost::asio;
using base::errc;
using base::error;
using base::result;

namespace {

// The loop of tilld-plugin-host on a thread of this process. Nobody can kill a thread: one that hangs is left
// behind, which is one of the reasons why isolation: process is the rule.
class thread_host : public host {
 public:
  struct shared {
    explicit shared(asio::any_io_executor e)
        : executor(e), done(e, std::chrono::steady_clock::time_point::max()) {}
    asio::any_io_executor executor;
    asio::steady_timer done;
    std::optional<plugin_host::exit_code> code;
  };

  explicit thread_host(std::shared_ptr<shared> state) : state_(std::move(state)) {}

  void kill() override {}

  asio::awaitable<host_ending> ended() override {
    auto state = state_;
    // The socket is closed by now; the runner notices and gives its plugin a bounded time.
    while (!state->code) co_await state->done.async_wait(base::as_result);
    co_return ending_of(*state->code);
  }

  pid_t pid() const override { return 0; }

 private:
  std::shared_ptr<shared> state_;
};

}  // namespace

result<launched_host> launch_thread(asio::any_io_executor executor, const plugin_config& plugin,
                                    const host_settings& settings) {
  auto own_folder = settings.state_folder + "/plugins/" + plugin.name;
  if (auto made = base::make_folders(own_folder); !made) return made.error();
  auto where = settings.debug_plugins ? plugin_host::placement::daemon_thread_debugging
                                      : plugin_host::placement::daemon_thread;
  auto file = plugin_host::plugin_file::open(plugin.file, where);
  if (!file) return file.error();
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
    return error{errc::plugin_missing,
                 "no socket for plugin " + plugin.name + ": " + base::errno_text(errno)};
  base::unique_fd ours(ends[0]), theirs(ends[1]);

  plugin_host::runner_settings how;
  how.allowed_paths.push_back({own_folder, true});
  for (auto& path : plugin.paths) {
    bool writable = path.ends_with(":rw");
    how.allowed_paths.push_back({writable ? path.substr(0, path.size() - 3) : path, writable});
  }
  auto state = std::make_shared<thread_host::shared>(executor);
  // Work stays announced until the thread has said its last word, so that the loop does not end before.
  std::thread([state, how, file = std::move(*file), socket = std::move(theirs)]() mutable {
    auto code = plugin_host::run_plugin(std::move(socket), std::move(file), how);
    auto executor_of_daemon = state->executor;
    asio::post(executor_of_daemon, [state, code] {
      state->code = code;
      state->done.cancel();
    });
  }).detach();

  launched_host launched{asio::local::stream_protocol::socket(executor),
                         std::make_unique<thread_host>(state)};
  launched.socket.assign(asio::local::stream_protocol(), ours.release());
  return launched;
}

}  // namespace tilld::daemon
