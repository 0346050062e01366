#include "daemon/plugin_host/runner.hpp"

#include <poll.h>

#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <thread>
#include <utility>

#include <boost/json.hpp>

#include "daemon/plugin_host/instance.hpp"
#include "daemon/plugin_host/text.hpp"
#include "wire/plugin_frame.hpp"
#include "wire/plugin_instance.hpp"

namespace tilld::daemon::plugin_host {

namespace {

using clock = std::chrono::steady_clock;
namespace json = boost::json;
namespace names = wire::plugin_instance;
using wire::plugin_message_kind;

// While this much waits to be sent nothing more is read: a daemon that only asks and never listens waits,
// too.
constexpr std::size_t unsent_bytes_max = 4 * outbox::bytes_max;

// The I/O thread.
class socket_loop {
 public:
  socket_loop(int socket, instance& it, const runner_settings& how)
      : socket_(socket), it_(it), grace_(how.stop_grace) {}

  // Until the plugin's thread has come back and its last words are out, or the grace is over.
  void run() {
    std::optional<clock::time_point> give_up;
    for (;;) {
      if (it_.ending() && !give_up) give_up = clock::now() + grace_;
      if (it_.finished() && (it_.heard().gone() || it_.out().bytes() == 0)) return;
      if (give_up && clock::now() >= *give_up) return;
      wait(give_up);
    }
  }

 private:
  void wait(std::optional<clock::time_point> until) {
    const bool gone = it_.heard().gone();
    const auto unsent = it_.out().bytes();
    const bool listening = !gone && !it_.plugin_listens() && !it_.ending() && unsent < unsent_bytes_max;
    const bool talking = !gone && unsent > 0;
    const auto events = static_cast<short>((listening ? POLLIN : 0) | (talking ? POLLOUT : 0));
    // A negative descriptor is left out by poll().
    std::array<pollfd, 3> ready{{{it_.to_io().descriptor(), POLLIN, 0},
                                 {it_.take_over().descriptor(), POLLIN, 0},
                                 {events ? socket_ : -1, events, 0}}};
    int patience = -1;
    if (until) {
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(*until - clock::now()).count();
      patience = static_cast<int>(std::clamp<long long>(left, 0, 1 << 30));
    }
    if (::poll(ready.data(), ready.size(), patience) < 0) return;
    if (ready[0].revents) it_.to_io().silence();
    if (ready[1].revents) it_.take_over_if_busy();
    if (ready[2].revents == 0) return;
    if (talking && !it_.write_out()) return it_.hang_up(exit_code::daemon_gone);
    if (listening) it_.heard().read();
  }

  int socket_;
  instance& it_;
  std::chrono::milliseconds grace_;
};

}  // namespace

exit_code run_plugin(base::unique_fd socket, plugin_file file, runner_settings settings) {
  // Shared with the plugin's thread, which outlives this call when it hangs.
  const auto it = std::make_shared<instance>(socket.get(), std::move(file), settings);
  std::thread plugin_thread([it] { it->run(); });
  const auto loop = std::make_unique<socket_loop>(socket.get(), *it, settings);
  loop->run();
  const auto code = it->finished();
  it->cut_off();
  if (!code) {
    plugin_thread.detach();
    return exit_code::hung;
  }
  plugin_thread.join();
  return *code;
}

void tell_load_failure(base::unique_fd socket, const base::error& why) {
  const auto body = json::serialize(json::object{{"detail", json::string(readable(why.detail))},
                                                 {"kind", json::string(base::describe(why.code).kind)}});
  outbox out;
  out.add_now({.kind = plugin_message_kind::event,
               .status = TILLD_E_UNSUPPORTED,
               .name = names::failed,
               .body = body});
  out.write_to(socket.get());
}

exit_code exit_code_for(const base::error& why) {
  return why.code == base::errc::plugin_refused ? exit_code::refused : exit_code::load_failed;
}

}  // namespace tilld::daemon::plugin_host
