// One connection to one network printer, kept open: most printers serve one at a time, and some refuse the
// next for minutes after an unclean end. Never blocks; the owner calls it when the descriptor is ready.
#pragma once

#include <sys/socket.h>

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "plugins/escpos-printer/durable_file.hpp"
#include "plugins/escpos-printer/result.hpp"

namespace tilld::escpos {

// A number, not a name: looking names up blocks, and asks a network that the plugin need not see.
// "192.0.2.7:9100",
// "[2001:db8::7]:9100"; 9100 where no port is given.
struct tcp_address {
  sockaddr_storage storage{};
  socklen_t size = 0;

  static result<tcp_address> parse(std::string_view text);
};

class tcp_link {
 public:
  enum class state { closed, connecting, open };

  // Starts to connect. The descriptor becomes writable when that has ended, in success or failure.
  result<> connect(const tcp_address& to);
  void close();
  // Closes and throws away what the system has not sent yet; a plain close would send it in the background.
  void abort();

  state now() const { return state_; }
  int descriptor() const { return socket_.get(); }
  short events() const;  // what to watch the descriptor for

  // Handles readiness. An error means that the connection is gone; the descriptor is there until close(), so
  // that the owner can stop watching it first, and so are the last bytes received.
  result<> on_ready(short events);
  std::string take_received();

  void send(std::string_view bytes);  // queues
  result<> flush();                   // writes as much as the socket takes
  std::size_t unsent() const { return outgoing_.size() - written_; }
  void drop_unsent();
  std::uint64_t sent_total() const { return sent_total_; }  // since the connection was made
  bool everything_acknowledged() const;                     // the other end's system has taken what was sent

 private:
  result<> finish_connecting();
  result<> receive();
  error lost(const std::string& what, int error_number);

  unique_fd socket_;
  state state_ = state::closed;
  std::string outgoing_, received_;
  std::size_t written_ = 0;
  std::uint64_t sent_total_ = 0;
};

}  // namespace tilld::escpos
