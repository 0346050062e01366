#include "daemon/plugin_host/runner.hpp"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
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
      : socket_(socket),
        it_(it),
        grace_(how.stop_grace),
        read_size_(std::clamp<std::size_t>(how.read_size_max, 1, chunk_.size())) {}

  // Until the plugin's thread has come back and its last words are out, or the grace is over.
  void run() {
    std::optional<clock::time_point> give_up;
    for (;;) {
      if (it_.ending() && !give_up) give_up = clock::now() + grace_;
      if (it_.finished() && (gone_ || it_.out().bytes() == 0)) return;
      if (give_up && clock::now() >= *give_up) return;
      wait(give_up);
    }
  }

 private:
  void wait(std::optional<clock::time_point> until) {
    const bool listening = !gone_ && !it_.ending() && it_.out().bytes() < unsent_bytes_max;
    const bool talking = !gone_ && it_.out().bytes() > 0;
    const auto events = static_cast<short>((listening ? POLLIN : 0) | (talking ? POLLOUT : 0));
    // A negative descriptor is left out by poll().
    std::array<pollfd, 2> ready{{{it_.to_io().descriptor(), POLLIN, 0}, {events ? socket_ : -1, events, 0}}};
    int patience = -1;
    if (until) {
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(*until - clock::now()).count();
      patience = static_cast<int>(std::clamp<long long>(left, 0, 1 << 30));
    }
    if (::poll(ready.data(), ready.size(), patience) < 0) return;
    it_.to_io().silence();
    if (ready[1].revents == 0) return;
    if (talking && !it_.out().write_to(socket_)) return hang_up(exit_code::daemon_gone);
    if (listening) read();
  }

  void read() {
    const auto size = ::recv(socket_, chunk_.data(), read_size_, MSG_DONTWAIT);
    if (size < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)) return;
    if (size <= 0) return hang_up(exit_code::daemon_gone);
    reader_.feed({chunk_.data(), static_cast<std::size_t>(size)});
    for (;;) {
      auto message = reader_.next();
      if (!message) return hang_up(exit_code::protocol_error);
      if (!*message) return;
      route(std::move(**message));
    }
  }

  void route(wire::plugin_message message) {
    const bool request = message.kind == plugin_message_kind::request;
    if (request && message.name == names::stop) return it_.stop(message);
    if (request && message.name == names::busy_since) return it_.answer_busy_since(message);
    if (message.kind == plugin_message_kind::event && message.name == names::cancel) {
      json::error_code failed;
      const auto body = json::parse(message.body, failed);
      const auto* object = failed ? nullptr : body.if_object();
      const auto* id = object ? object->if_contains("id") : nullptr;
      if (id && id->is_number() && !id->is_double()) it_.cancel(id->to_number<std::uint64_t>(failed));
      return;
    }
    it_.deliver(std::move(message));
  }

  void hang_up(exit_code why) {
    gone_ = true;
    it_.hang_up(why);
  }

  int socket_;
  instance& it_;
  std::chrono::milliseconds grace_;
  std::size_t read_size_;
  bool gone_ = false;
  wire::plugin_frame_reader reader_;
  std::array<char, 64 * 1024> chunk_;
};

}  // namespace

exit_code run_plugin(base::unique_fd socket, plugin_file file, runner_settings settings) {
  // Shared with the plugin's thread, which outlives this call when it hangs.
  const auto it = std::make_shared<instance>(std::move(file), settings);
  std::thread plugin_thread([it] { it->run(); });
  const auto loop = std::make_unique<socket_loop>(socket.get(), *it, settings);
  loop->run();
  const auto code = it->finished();
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
