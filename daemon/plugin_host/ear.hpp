// The reading end of the daemon's socket: frames in, each handed to whom it concerns. Both threads may read,
// one at a time, and a frame of which one read the beginning is finished by whoever reads next. runner.hpp
// says which of them listens when.
#pragma once

#include <array>
#include <mutex>

#include "daemon/plugin_host/exit_code.hpp"
#include "wire/plugin_frame.hpp"

namespace tilld::daemon::plugin_host {

class instance;

class ear {
 public:
  // At most read_size_max octets at a time.
  ear(int socket, std::size_t read_size_max, instance& it);

  // Takes what is there, without waiting; behind a stop nothing, since it belongs to whoever has the socket
  // next. When the daemon is gone or spoke nonsense the instance is told.
  void read();
  // Nothing comes any more.
  bool gone() const;
  // The socket will be closed: a thread that hangs now must not read what gets its number next.
  void cover();
  int socket() const { return socket_; }

 private:
  void route(wire::plugin_message message);
  void hang_up(exit_code why);

  static constexpr std::size_t chunk_size = 64 * 1024;

  const int socket_;
  const std::size_t read_size_;
  instance& it_;
  mutable std::mutex guard_;
  bool gone_ = false, told_to_stop_ = false;
  wire::plugin_frame_reader reader_;
  std::array<char, chunk_size> chunk_;
};

}  // namespace tilld::daemon::plugin_host
