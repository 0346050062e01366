#include "daemon/server/listener.hpp"

#include <grp.h>
#include <poll.h>
#include <pwd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/json.hpp>

#include "base/file.hpp"
#include "base/log.hpp"
#include "daemon/server/ancestry.hpp"

namespace tilld::daemon {

namespace asio = boost::asio;
using asio::ip::tcp;
using asio::local::stream_protocol;
using base::errc;
using base::error;
using base::result;

namespace {

constexpr auto as_result = asio::as_tuple(asio::use_awaitable);
constexpr auto stop_wait = std::chrono::seconds(5);
constexpr auto out_of_files_wait = std::chrono::milliseconds(200);

bool is_member(std::uint32_t uid, std::uint32_t gid, std::uint32_t group) {
  if (gid == group) return true;
  auto* user = ::getpwuid(uid);
  if (!user) return false;
  int count = 64;
  std::vector<gid_t> groups(static_cast<std::size_t>(count));
  if (::getgrouplist(user->pw_name, user->pw_gid, groups.data(), &count) < 0) {
    groups.resize(static_cast<std::size_t>(count));
    if (::getgrouplist(user->pw_name, user->pw_gid, groups.data(), &count) < 0) return false;
  }
  groups.resize(static_cast<std::size_t>(count));
  return std::find(groups.begin(), groups.end(), group) != groups.end();
}

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

}  // namespace

role role_of_user(std::uint32_t uid, std::uint32_t gid, const std::vector<role_mapping>& mappings,
                  std::uint32_t own_uid) {
  for (auto& m : mappings) {
    if (m.user && *m.user != uid) continue;
    if (m.group && !is_member(uid, gid, *m.group)) continue;
    return m.gets;
  }
  return uid == 0 || uid == own_uid ? role::admin : role::till;
}

server::server(asio::any_io_executor executor, till_parts& till)
    : executor_(std::move(executor)), till_(till), memory_(connection_memory_max, calls_memory_max) {}

server::~server() {
  for (auto& path : socket_files_) ::unlink(path.c_str());
}

result<> server::listen() {
  auto& how = till_.settings.listen;
  if (auto opened = open_unix(how.unix_path, 0660, false); !opened) return opened;
  if (auto opened = open_unix(how.admin_path, 0600, true); !opened) return opened;
  if (how.tcp) return open_tcp(*how.tcp);
  return {};
}

result<> server::open_unix(const std::string& path, unsigned mode, bool admin) {
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
  if (!admin && ::geteuid() == 0)
    if (auto* group = ::getgrnam("tilld"))
      (void)!::chown(path.c_str(), static_cast<uid_t>(-1), group->gr_gid);
  unix_doors_.push_back(acceptor);
  asio::co_spawn(executor_, accept_loop(acceptor, admin), asio::detached);
  return {};
}

result<> server::open_tcp(const wire::loopback_address& address) {
  boost::system::error_code failed;
  tcp::endpoint endpoint(asio::ip::make_address(address.host, failed), address.port);
  auto acceptor = std::make_shared<tcp::acceptor>(executor_);
  if (!failed) acceptor->open(endpoint.protocol(), failed);
  if (!failed) acceptor->set_option(tcp::acceptor::reuse_address(true), failed);
  if (!failed) acceptor->bind(endpoint, failed);
  if (!failed) acceptor->listen(asio::socket_base::max_listen_connections, failed);
  if (failed) return error{errc::listen_refused, address.text() + ": " + failed.message()};
  tcp_port_ = acceptor->local_endpoint().port();
  tcp_door_ = acceptor;
  asio::co_spawn(executor_, accept_loop(acceptor, false), asio::detached);
  return {};
}

template <class Socket>
std::shared_ptr<caller> server::recognise(Socket& s, bool admin) {
  auto who = std::make_shared<caller>();
  who->connection = next_connection_++;
  who->language = till_.settings.language;
  if constexpr (std::is_same_v<Socket, stream_protocol::socket>) {
    ucred peer{};
    socklen_t size = sizeof peer;
    if (::getsockopt(s.native_handle(), SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return nullptr;
    // A peer of another pid namespace has pid 0: it is nobody's child here.
    // Unless this is root, a plugin cannot be of another user than the daemon, and nothing needs to be read
    // of others.
    bool may_be_a_plugin = peer.pid != 0 && (::geteuid() == 0 || peer.uid == ::geteuid());
    if (may_be_a_plugin && descends_from_this_process(peer.pid)) {
      base::log(
          base::log_level::warning,
          "A connection was refused: it comes from a plugin, or from a process that has ended meanwhile",
          {{"pid", peer.pid}});
      return nullptr;
    }
    who->acts_as = role_of_user(peer.uid, peer.gid, till_.settings.listen.roles, ::geteuid());
    if (admin) {
      if (peer.uid != 0 && peer.uid != ::geteuid()) return nullptr;
      who->acts_as = role::admin;
    }
    who->principal = "unix:" + std::to_string(peer.uid);
  } else {
    boost::system::error_code ignored;
    s.set_option(tcp::no_delay(true), ignored);
    s.set_option(asio::socket_base::keep_alive(true), ignored);
  }
  return who;
}

template <class Acceptor>
asio::awaitable<void> server::accept_loop(std::shared_ptr<Acceptor> acceptor, bool admin) {
  asio::steady_timer pause(executor_);
  while (!stopping_) {
    auto got = co_await acceptor->async_accept(as_result);
    auto& [failed, socket] = got;
    if (failed == asio::error::operation_aborted || !acceptor->is_open()) co_return;
    if (failed) {
      // Out of descriptors, most likely: those who are connected go on, and the door is tried again soon.
      pause.expires_after(out_of_files_wait);
      co_await pause.async_wait(as_result);
      continue;
    }
    auto who = recognise(socket, admin);
    if (who) let_in(session::socket(std::move(socket)), std::move(who));
  }
}

void server::let_in(session::socket s, std::shared_ptr<caller> who) {
  std::erase_if(sessions_, [](auto& one) { return one.expired(); });
  if (memory_.count() >= connections_max) {
    std::string line;
    wire::append_answer(line, "null",
                        wire::make_error({errc::busy, "there are 256 connections already"}, who->language));
    line += '\n';
    boost::system::error_code ignored;
    s.non_blocking(true, ignored);
    s.write_some(asio::buffer(line), ignored);
    return;
  }
  auto one = std::make_shared<session>(std::move(s), std::move(who), till_, memory_);
  sessions_.push_back(one);
  asio::co_spawn(executor_, one->run(), asio::detached);
}

void server::hang_up(const std::string& principal) {
  for (auto& one : sessions_)
    if (auto still = one.lock(); still && still->principal() == principal) still->close();
}

asio::awaitable<void> server::stop() {
  stopping_ = true;
  boost::system::error_code ignored;
  for (auto& door : unix_doors_) door->close(ignored);
  if (tcp_door_) tcp_door_->close(ignored);
  auto busy = [this] {
    return std::any_of(sessions_.begin(), sessions_.end(), [](auto& one) {
      auto still = one.lock();
      return still && !still->idle();
    });
  };
  auto until = std::chrono::steady_clock::now() + stop_wait;
  asio::steady_timer pause(executor_);
  while (busy() && std::chrono::steady_clock::now() < until) {
    pause.expires_after(std::chrono::milliseconds(20));
    co_await pause.async_wait(as_result);
  }
  for (auto& one : sessions_)
    if (auto still = one.lock()) still->close();
  // Their coroutines end in the next turns of the loop; nothing of them may be left when the till goes.
  while (std::any_of(sessions_.begin(), sessions_.end(), [](auto& one) { return !one.expired(); }) &&
         std::chrono::steady_clock::now() < until) {
    pause.expires_after(std::chrono::milliseconds(5));
    co_await pause.async_wait(as_result);
  }
}

}  // namespace tilld::daemon
