// A whole connection: octets go into a socket as from a client, and come out as answers. Lines,
// Content-Length, HTTP and WebSocket are told apart by what comes, and all methods of a till without devices
// are there.
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/json.hpp>

#include "base/file.hpp"
#include "daemon/server/http_session.hpp"
#include "daemon/server/session.hpp"
#include "daemon/server/websocket_session.hpp"
#include "tests/fuzz/target.hpp"
#include "tests/support/scratch.hpp"

namespace tilld::fuzz {
namespace {

namespace asio = boost::asio;
namespace json = boost::json;
using namespace daemon;

// The parts of a till, made anew now and then: sales pile up.
class till {
 public:
  till() {
    store::options how;
    how.folder = folder_.path();
    how.till = settings_.till = "till-1";
    settings_.branch = settings_.merchant = "shop";
    how.where = store::options::threads::always_io_thread;
    journal_ = store::open(io_.get_executor(), clock_, how).value();
    key_ = std::make_unique<base::signing_key>(
        base::signing_key::load_or_create(folder_.file("device.key")).value());
    keyed_ = std::make_unique<keyed_calls>(io_.get_executor(), *journal_, clock_, base::byte_string(32, 1));
    plugins_ = std::make_unique<plugin_set>(io_.get_executor(), clock_, host_settings{}, events_);
    care_ = std::make_unique<storage_care>(io_.get_executor(), *journal_, clock_,
                                           storage_care::settings{.till = "till-1", .backup_folder = {}});
    parts_.reset(new till_parts{io_.get_executor(), settings_, clock_, *journal_, *care_, events_, *plugins_,
                                claims_, *keyed_, methods_, tokens_, *key_, destinations_, "boot",
                                clock_.now(), [this] { return memory_.count(); }});
    parts_->hang_up = [](const std::string&) {};
    add_calls(methods_, parts_.get());
  }
  ~till() { turn(50); }

  // What the client hears until the daemon has nothing more to do and the client has ended its side.
  std::string talk(const std::vector<std::string_view>& pieces, bool vouched) {
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) != 0) return {};
    auto who = std::make_shared<caller>();
    who->connection = ++connections_;
    if (vouched) {
      who->principal = "unix:1000";
      who->acts_as = role::admin;
    }
    asio::local::stream_protocol::socket mine(io_, asio::local::stream_protocol(), ends[0]);
    auto to_http = [this, vouched](octet_socket s, std::shared_ptr<caller> from, std::string octets) {
      http_surroundings around{{vouched, {"127.0.0.1:7701"}, {"https://till.example"}}, tries_, nullptr};
      around.to_websocket = [this](octet_socket taken, std::shared_ptr<caller> then,
                                   const std::string& head) {
        begin(open_websocket(std::move(taken), std::move(then), *parts_, memory_, head));
      };
      begin(open_http(std::move(s), std::move(from), *parts_, memory_, std::move(around), std::move(octets)));
    };
    begin(std::make_shared<session>(session::socket(std::move(mine)), who, *parts_, memory_, to_http));
    std::string heard;
    for (auto piece : pieces) {
      if (::send(ends[1], piece.data(), piece.size(), MSG_NOSIGNAL) < 0) break;
      turn(4);
      hear(ends[1], heard);
    }
    ::shutdown(ends[1], SHUT_WR);
    turn(20);
    hear(ends[1], heard);
    ::close(ends[1]);
    turn(20);
    return heard;
  }
  std::uint64_t sales() const { return journal_->head().sequence; }

 private:
  void begin(std::shared_ptr<connection> one) {
    auto run = [](std::shared_ptr<connection> held) -> asio::awaitable<void> { co_await held->run(); };
    asio::co_spawn(io_, run(std::move(one)), asio::detached);
  }
  void turn(int times) {
    for (int i = 0; i < times; ++i) {
      io_.restart();
      if (io_.poll() == 0) return;
    }
  }
  static void hear(int socket, std::string& to) {
    char octets[16384];
    for (;;) {
      auto got = ::recv(socket, octets, sizeof octets, MSG_DONTWAIT);
      if (got <= 0) return;
      to.append(octets, static_cast<std::size_t>(got));
    }
  }

  tests::scratch_folder folder_;
  asio::io_context io_;
  base::test_clock clock_;
  config settings_;
  event_hub events_{clock_};
  claim_desk claims_{io_.get_executor(), clock_, events_};
  router methods_;
  token_book tokens_;
  token_tries tries_;
  std::vector<std::unique_ptr<forwarder>> destinations_;
  connection_memory memory_{1 << 20, 1 << 20};
  std::unique_ptr<store> journal_;
  std::unique_ptr<storage_care> care_;
  std::unique_ptr<base::signing_key> key_;
  std::unique_ptr<keyed_calls> keyed_;
  std::unique_ptr<plugin_set> plugins_;
  std::unique_ptr<till_parts> parts_;
  std::uint64_t connections_ = 0;
};

// On lines each answer is a JSON object with "jsonrpc"; a stranger's words make no record; whatever is said,
// the daemon lives on.
void eat(std::string_view octets) {
  static auto one = std::make_unique<till>();
  static int times = 0;
  if (++times % 500 == 0) one = std::make_unique<till>();
  dice from(octets);
  auto how = from.octet();
  auto rest = from.rest();
  auto before = one->sales();
  bool vouched = how & 1;
  auto heard = one->talk(how & 2 ? in_pieces(rest) : std::vector<std::string_view>{rest}, vouched);
  if (!vouched) demand(one->sales() == before, "who is not known makes no record");
  if (!rest.starts_with('{')) return;
  while (!heard.empty()) {
    auto end = heard.find('\n');
    demand(end != heard.npos, "an answer is a line");
    json::error_code failed;
    auto said = json::parse(json::string_view(heard.data(), end), failed);
    demand(!failed && said.is_object() && said.get_object().contains("jsonrpc"), "an answer is JSON-RPC");
    heard.erase(0, end + 1);
  }
}

const target connection_octets{"connection", eat};

}  // namespace
}  // namespace tilld::fuzz
