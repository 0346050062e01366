#include "daemon/server/listener.hpp"

#include <grp.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <set>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/json.hpp>

#include "base/as_result.hpp"
#include "base/file.hpp"
#include "base/log.hpp"
#include "daemon/server/http_reply.hpp"
#include "daemon/server/peer.hpp"
#include "daemon/server/websocket_session.hpp"

namespace tilld::daemon {

namespace asio = boost::asio;
using asio::ip::tcp;
using asio::local::stream_protocol;
using base::errc;
using base::error;
using base::result;

namespace {

constexpr std::size_t admin_places = 4;
constexpr auto stop_wait = std::chrono::seconds(5);
constexpr auto out_of_files_wait = std::chrono::milliseconds(200);

bool somebody_answers(const std::string& path) {
  asio::io_context io;
  stream_protocol::socket probe(io);
  boost::system::error_code failed;
  probe.connect(stream_protocol::endpoint(path), failed);
  return !failed;
}

// A daemon that was killed while it started a plugin host leaves a process behind that holds its sockets
// until it has become that host: milliseconds, after which nobody answers any more. Somebody who stays is
// another daemon.
bool somebody_stays(const std::string& path) {
  for (int look = 0; look < 40; ++look) {
    if (!somebody_answers(path)) return false;
    ::poll(nullptr, 0, 25);
  }
  return true;
}

// A client that died after it had said all it wanted looks like one that listens; the kernel asks its own
// other end, which answers for as long as somebody has the socket and for a minute longer.
void notice_silent_ends(tcp::socket& s) {
  boost::system::error_code ignored;
  s.set_option(asio::socket_base::keep_alive(true), ignored);
  const std::pair<int, int> how[] = {
      {TCP_KEEPIDLE, 15}, {TCP_KEEPINTVL, 5}, {TCP_KEEPCNT, 3}};  // seconds, times
  for (auto& [option, value] : how)
    (void)::setsockopt(s.native_handle(), IPPROTO_TCP, option, &value, sizeof value);
}

}  // namespace

server::server(asio::any_io_executor executor, till_parts& till)
    : executor_(std::move(executor)),
      till_(till),
      memory_(connection_memory_max, calls_memory_max),
      places_(connections_max) {}

server::~server() {
  for (auto& path : socket_files_) ::unlink(path.c_str());
}

result<> server::listen() {
  auto& how = till_.settings.listen;
  if (auto opened = open_unix(how.unix_path, 0660, door::tills); !opened) return opened;
  if (auto opened = open_unix(how.admin_path, 0600, door::admin); !opened) return opened;
  if (how.tcp) {
    auto opened = open_tcp(*how.tcp, door::lines);
    if (!opened) return opened.error();
    tcp_door_ = *opened;
  }
  if (how.http) {
    auto opened = open_tcp(how.http->address, door::http);
    if (!opened) return opened.error();
    http_door_ = *opened;
    // A page that brought its own name server comes under another name.
    std::set<std::string> names{"127.0.0.1", "localhost", "[::1]"};
    auto& bound = how.http->address.host;
    names.insert(bound.find(':') == std::string::npos ? bound : "[" + bound + "]");
    for (auto& name : names) http_hosts_.push_back(name + ":" + std::to_string(http_port()));
  }
  return {};
}

std::uint16_t server::port_of(const tcp_acceptor& acceptor) {
  boost::system::error_code ignored;
  return acceptor.local_endpoint(ignored).port();
}

result<> server::open_unix(const std::string& path, unsigned mode, door which) {
  auto refused = [&](const std::string& why) { return error{errc::listen_refused, path + ": " + why}; };
  struct stat found {};
  if (::lstat(path.c_str(), &found) == 0) {
    if (!S_ISSOCK(found.st_mode)) return refused("there is a file that is no socket");
    if (somebody_stays(path)) return refused("another daemon listens there");
    ::unlink(path.c_str());
  }
  auto folder = std::filesystem::path(path).parent_path().string();
  if (auto made = base::make_folders(folder, 0755); !made) return refused(made.error().detail);
  auto acceptor = std::make_shared<stream_protocol::acceptor>(executor_);
  boost::system::error_code failed;
  acceptor->open(stream_protocol(), failed);
  // The mode is set by the umask at bind, so that there is no moment at which everybody could connect.
  auto before = ::umask(0777 & ~mode);
  if (!failed) acceptor->bind(stream_protocol::endpoint(path), failed);
  ::umask(before);
  if (!failed) acceptor->listen(asio::socket_base::max_listen_connections, failed);
  if (failed) return refused(failed.message());
  socket_files_.push_back(path);
  if (which == door::tills && ::geteuid() == 0)
    if (auto* group = ::getgrnam("tilld"))
      (void)!::chown(path.c_str(), static_cast<uid_t>(-1), group->gr_gid);
  unix_doors_.push_back(acceptor);
  asio::co_spawn(executor_, accept_loop(acceptor, which), asio::detached);
  return {};
}

result<std::shared_ptr<server::tcp_acceptor>> server::open_tcp(const wire::loopback_address& address,
                                                               door which) {
  boost::system::error_code failed;
  tcp::endpoint endpoint(asio::ip::make_address(address.host, failed), address.port);
  auto acceptor = std::make_shared<tcp::acceptor>(executor_);
  if (!failed) acceptor->open(endpoint.protocol(), failed);
  if (!failed) acceptor->set_option(tcp::acceptor::reuse_address(true), failed);
  if (!failed) acceptor->bind(endpoint, failed);
  if (!failed) acceptor->listen(asio::socket_base::max_listen_connections, failed);
  if (failed) return error{errc::listen_refused, address.text() + ": " + failed.message()};
  asio::co_spawn(executor_, accept_loop(acceptor, which), asio::detached);
  return acceptor;
}

template <class Acceptor>
asio::awaitable<void> server::accept_loop(std::shared_ptr<Acceptor> acceptor, door which) {
  asio::steady_timer pause(executor_);
  while (!stopping_) {
    auto got = co_await acceptor->async_accept(base::as_result);
    auto& [failed, socket] = got;
    if (failed == asio::error::operation_aborted || !acceptor->is_open()) co_return;
    if (failed) {
      // Those who are connected go on, and the door is tried again soon.
      if (failed == asio::error::no_descriptors ||
          failed == boost::system::errc::too_many_files_open_in_system)
        log_no_descriptors();
      pause.expires_after(out_of_files_wait);
      co_await pause.async_wait(base::as_result);
      continue;
    }
    let_in(std::move(socket), which);
  }
}

template <class Socket>
void server::let_in(Socket s, door which) {
  constexpr bool vouched = std::is_same_v<Socket, stream_protocol::socket>;
  // Before anything is asked about who it is: that costs more than the answer. Whoever is to find out why the
  // till is full must get in.
  auto room = places_.room_for(!vouched, which == door::admin ? admin_places : 0);
  if (!room) {
    refuse(octet_socket(std::move(s)), which, "there are 256 connections already");
    return;
  }
  auto who = std::make_shared<caller>();
  who->connection = next_connection_++;
  who->language = till_.settings.language;
  if constexpr (vouched) {
    auto known = recognise(s.native_handle(), which, *who);
    if (known == recognised::later) refuse(octet_socket(std::move(s)), which, "too many files are open");
    if (known != recognised::yes) return;
  } else {
    boost::system::error_code ignored;
    s.set_option(tcp::no_delay(true), ignored);
    notice_silent_ends(s);
  }
  if (*room) (*room)->close();
  octet_socket octets(std::move(s));
  begin(which == door::http ? open_http_on(std::move(octets), std::move(who), which, {})
                            : open_session(std::move(octets), std::move(who), which));
}

server::recognised server::recognise(int unix_socket, door which, caller& who) {
  auto other = peer_of(unix_socket);
  if (!other) return recognised::no;
  // A peer of another pid namespace has pid 0: it is nobody's child here.
  // Unless this is root, a plugin cannot be of another user than the daemon, and nothing needs to be read of
  // others.
  bool may_be_a_plugin = other->process != 0 && (::geteuid() == 0 || other->user == ::geteuid());
  switch (may_be_a_plugin ? descent_of(other->process, spare_) : descent::elsewhere) {
    case descent::elsewhere: break;
    case descent::unreadable: log_no_descriptors(); return recognised::later;
    case descent::here:
      base::log(
          base::log_level::warning,
          "A connection was refused: it comes from a plugin, or from a process that has ended meanwhile",
          {{"pid", other->process}});
      return recognised::no;
  }
  if (which == door::admin && other->user != 0 && other->user != ::geteuid()) return recognised::no;
  who.acts_as =
      which == door::admin ? role::admin : role_of(*other, till_.settings.listen.roles, ::geteuid());
  who.principal = "unix:" + std::to_string(other->user);
  return recognised::yes;
}

void server::refuse(octet_socket s, door which, const std::string& why) {
  auto line = refusal_body({errc::busy, why}, till_.settings.language) + "\n";
  if (which == door::http) {
    http_reply full{503, std::move(line), true};
    line = reply_text(full, nullptr, {});
  }
  boost::system::error_code ignored;
  s.non_blocking(true, ignored);
  s.write_some(asio::buffer(line), ignored);
}

// Once in ten minutes: whoever comes tries again at once.
void server::log_no_descriptors() {
  auto now = std::chrono::steady_clock::now();
  if (said_no_descriptors_ && now - *said_no_descriptors_ < std::chrono::minutes(10)) return;
  said_no_descriptors_ = now;
  base::log(
      base::log_level::error,
      "Nobody new is let in: no file can be opened any more. LimitNOFILE is too low, or something on this "
      "machine keeps files open.");
}

std::shared_ptr<connection> server::open_session(octet_socket s, std::shared_ptr<caller> who, door which) {
  session::http_taker to_http;
  if (which != door::lines)
    to_http = [this, which](octet_socket taken, std::shared_ptr<caller> from, std::string octets) {
      begin(open_http_on(std::move(taken), std::move(from), which, std::move(octets)));
    };
  return std::make_shared<session>(std::move(s), std::move(who), till_, memory_, std::move(to_http));
}

std::shared_ptr<connection> server::open_http_on(octet_socket s, std::shared_ptr<caller> who, door which,
                                                 std::string already_read) {
  http_surroundings around{{which != door::http, http_hosts_, {}}, tries_, nullptr};
  if (till_.settings.listen.http) around.door.origins = till_.settings.listen.http->origins;
  around.to_websocket = [this](octet_socket taken, std::shared_ptr<caller> from, const std::string& head) {
    begin(open_websocket(std::move(taken), std::move(from), till_, memory_, head));
  };
  return open_http(std::move(s), std::move(who), till_, memory_, std::move(around), std::move(already_read));
}

// The connection keeps itself alive from the first statement of run() on.
void server::begin(std::shared_ptr<connection> one) {
  places_.take(one);
  auto run = [](std::shared_ptr<connection> held) -> asio::awaitable<void> { co_await held->run(); };
  asio::co_spawn(executor_, run(std::move(one)), asio::detached);
}

void server::hang_up(const std::string& principal) {
  for (auto& one : places_.all())
    if (one->principal() == principal) one->close();
}

asio::awaitable<void> server::stop() {
  stopping_ = true;
  boost::system::error_code ignored;
  for (auto& one : unix_doors_) one->close(ignored);
  if (tcp_door_) tcp_door_->close(ignored);
  if (http_door_) http_door_->close(ignored);
  auto busy = [this] {
    auto all = places_.all();
    return std::any_of(all.begin(), all.end(), [](auto& one) { return !one->idle(); });
  };
  auto until = std::chrono::steady_clock::now() + stop_wait;
  asio::steady_timer pause(executor_);
  while (busy() && std::chrono::steady_clock::now() < until) {
    pause.expires_after(std::chrono::milliseconds(20));
    co_await pause.async_wait(base::as_result);
  }
  for (auto& one : places_.all()) one->close();
  // Their coroutines end in the next turns of the loop; nothing of them may be left when the till goes.
  while (!places_.all().empty() && std::chrono::steady_clock::now() < until) {
    pause.expires_after(std::chrono::milliseconds(5));
    co_await pause.async_wait(base::as_result);
  }
}

}  // namespace tilld::daemon
