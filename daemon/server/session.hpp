// One connection of a till: lines in, calls made, answers and events out. Answers to quick calls keep the
// order of the requests; slow ones are answered when they are done, by id.
//
// Bounds, which hello says: a line of 1 MiB, 32 requests in flight (further lines wait unread), and a share
// of the memory of all connections. A client that does not read loses events first (events.dropped says how
// many), is then not read any more, and is closed when it holds too much. [I/O thread]
#pragma once

#include <memory>
#include <string>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/steady_timer.hpp>

#include "daemon/calls/parts.hpp"
#include "daemon/server/connection_memory.hpp"

namespace tilld::daemon {

class session : public std::enable_shared_from_this<session> {
 public:
  using socket = boost::asio::generic::stream_protocol::socket;

  // `who` has a principal and a role when the kernel vouches for them; an empty principal must sign on with a
  // token in its first line, within five seconds, or is closed.
  session(socket s, std::shared_ptr<caller> who, till_parts& till, connection_memory& memory);
  ~session();

  // Until the other side hangs up, breaks the rules or close() is called.
  boost::asio::awaitable<void> run();
  void close();
  const std::string& principal() const { return who_->principal; }
  bool idle() const { return in_flight_ == 0 && out_.empty(); }

 private:
  boost::asio::awaitable<void> read_loop();
  boost::asio::awaitable<void> write_loop();
  using slow_call = std::function<boost::asio::awaitable<wire::answer>(call)>;
  // The call comes by value: the method object may be gone with the next find().
  boost::asio::awaitable<void> serve(std::string id, call c, slow_call run, std::size_t lent);
  void take_line(std::string_view line);
  void tell(const event& e, std::uint64_t subscription);
  void flush();
  void count_memory();
  void changed() { room_.cancel(); }

  socket socket_;
  std::shared_ptr<caller> who_;
  till_parts& till_;
  connection_memory& memory_;
  wire::line_splitter lines_;
  std::string out_;
  boost::asio::steady_timer more_, room_, sign_on_;
  std::size_t in_flight_ = 0;
  std::uint64_t events_dropped_ = 0;
  bool said_nonsense_ = false;
  bool closed_ = false, closing_ = false, writing_ = false, signed_on_;
};

}  // namespace tilld::daemon
