// The doors: the till socket and the admin socket in the file system, and on loopback, when they are
// configured, TCP for lines and a port for HTTP and WebSocket. Who comes through a Unix socket is who the
// kernel says (SO_PEERCRED), and speaks lines, LSP framing or HTTP; who comes over TCP is nobody until a
// token says it.
#pragma once

#include <chrono>
#include <memory>
#include <optional>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>

#include "daemon/server/ancestry.hpp"
#include "daemon/server/http_session.hpp"
#include "daemon/server/places.hpp"
#include "daemon/server/session.hpp"

namespace tilld::daemon {

class server {
 public:
  server(boost::asio::any_io_executor executor, till_parts& till);
  ~server();

  // listen_refused when another daemon answers on the socket, an address is taken or a path cannot be used. A
  // socket file that nobody listens on is a leftover of a crash and is replaced.
  base::result<> listen();
  std::size_t connections() const { return memory_.count(); }
  // The TCP port that was given (port 0 lets the kernel choose); 0 without TCP.
  std::uint16_t tcp_port() const { return tcp_door_ ? port_of(*tcp_door_) : 0; }
  std::uint16_t http_port() const { return http_door_ ? port_of(*http_door_) : 0; }

  // Closes every connection of this principal; what it asked for is carried to its end.
  void hang_up(const std::string& principal);

  // Lets nobody in any more, waits a bounded time for calls in flight, then closes.
  boost::asio::awaitable<void> stop();

 private:
  using tcp_acceptor = boost::asio::ip::tcp::acceptor;
  enum class door { tills, admin, lines, http };

  static std::uint16_t port_of(const tcp_acceptor& acceptor);
  base::result<> open_unix(const std::string& path, unsigned mode, door which);
  base::result<std::shared_ptr<tcp_acceptor>> open_tcp(const wire::loopback_address& address, door which);
  template <class Acceptor>
  boost::asio::awaitable<void> accept_loop(std::shared_ptr<Acceptor> acceptor, door which);
  template <class Socket>
  void let_in(Socket s, door which);
  // Fills in who it is. `later` when that cannot be found out now.
  enum class recognised { yes, no, later };
  recognised recognise(int unix_socket, door which, caller& who);
  void refuse(octet_socket s, door which, const std::string& why);
  void log_no_descriptors();
  std::shared_ptr<connection> open_session(octet_socket s, std::shared_ptr<caller> who, door which);
  std::shared_ptr<connection> open_http_on(octet_socket s, std::shared_ptr<caller> who, door which,
                                           std::string already_read);
  void begin(std::shared_ptr<connection> one);

  boost::asio::any_io_executor executor_;
  till_parts& till_;
  connection_memory memory_;
  std::vector<std::shared_ptr<boost::asio::local::stream_protocol::acceptor>> unix_doors_;
  std::shared_ptr<tcp_acceptor> tcp_door_, http_door_;
  std::vector<std::string> http_hosts_;
  token_tries tries_;
  std::vector<std::string> socket_files_;
  places places_;
  spare_descriptor spare_;
  std::optional<std::chrono::steady_clock::time_point> said_no_descriptors_;
  std::uint64_t next_connection_ = 1;
  bool stopping_ = false;
};

}  // namespace tilld::daemon
