// The daemon's end of a plugin's socket, and who is at the other end: frames in, frames out, closed once.
// [I/O thread]
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>

#include "daemon/plugins/host_process.hpp"
#include "wire/plugin_frame.hpp"

namespace tilld::daemon {

class host_link : public std::enable_shared_from_this<host_link> {
 public:
  explicit host_link(launched_host launched);

  // The next message; nothing when the other side is gone, spoke nonsense (nonsense() says what) or the
  // deadline passed. After nothing the link is of no use any more.
  boost::asio::awaitable<std::optional<wire::plugin_message>> receive(
      std::chrono::steady_clock::time_point until);
  const std::optional<base::error>& nonsense() const { return nonsense_; }

  // False when it is closed or more than 8 MiB wait unread: that plugin takes nothing.
  bool send(const wire::plugin_message_view& message);
  // Writes what send() left, until the link is closed; spawned once.
  boost::asio::awaitable<void> write_loop();

  void close();
  tilld::daemon::host& host() { return *host_; }

 private:
  boost::asio::local::stream_protocol::socket socket_;
  std::unique_ptr<tilld::daemon::host> host_;
  wire::plugin_frame_reader reader_;
  std::vector<char> chunk_;
  std::string unsent_, being_sent_;
  boost::asio::steady_timer more_;
  std::optional<base::error> nonsense_;
  bool closed_ = false;
};

}  // namespace tilld::daemon
