#include "daemon/forward/forwarder.hpp"

#include <algorithm>
#include <deque>
#include <map>

#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>

#include "base/as_result.hpp"
#include "base/log.hpp"
#include "base/step.hpp"

namespace tilld::daemon {

namespace asio = boost::asio;
namespace sync = wire::sync;
using asio::ip::tcp;
using base::errc;
using base::error;

namespace {

constexpr std::size_t calls_max = 32;
// How long a till counts as selling after a record, and what is sent of a backlog meanwhile: some 15,000
// records a second, of which each bite keeps a sale waiting for less than a flush does.
constexpr auto selling_for = std::chrono::milliseconds(500);
constexpr std::uint32_t bite = 64;
constexpr auto breath = std::chrono::milliseconds(3);
// Ids of calls lie apart from those of the machine, so that an answer finds its asker.
constexpr std::uint64_t call_bit = std::uint64_t{1} << 62;

}  // namespace

// Lives as long as one of its own operations; `stopped_` makes the late ones do nothing.
class forwarder::shell : public std::enable_shared_from_this<forwarder::shell> {
 public:
  shell(asio::io_context& io, wire::loopback_address address, forward_settings settings,
        till_identity identity, const signatures& keys, journal_source& journal, const base::clock& clock)
      : io_(io),
        address_(std::move(address)),
        destination_(settings.destination),
        role_(settings.role),
        machine_(std::move(settings), std::move(identity), keys),
        journal_(journal),
        clock_(clock),
        timer_(io),
        breath_(io) {}

  base::result<> start() {
    auto known = journal_.load_witness(destination_);
    if (!known) return known.error();
    carry_out(machine_.start(now(), *known, journal_.beginning(), journal_.head()));
    return {};
  }

  void stop() {
    stopped_ = true;
    timer_.cancel();
    breath_.cancel();
    close_connection();
  }

  void grew() {
    grew_at_ = std::chrono::steady_clock::now();
    if (!stopped_) carry_out(machine_.journal_grew(now(), journal_.head()));
  }

  void retry_now() {
    if (!stopped_) carry_out(machine_.retry_now(now()));
  }

  const forward_status& status() const { return machine_.status(); }
  std::function<void()> tell_changed;

  asio::awaitable<base::result<std::string>> call(std::string method, std::string params,
                                                  std::chrono::milliseconds timeout) {
    if (role_ != sync::role::ledger)
      co_return error{errc::forbidden, destination_ + " is a witness and takes no calls"};
    if (stopped_ || !connection_ || !machine_.welcomed())
      co_return error{errc::central_unreachable, "no connection to " + destination_};
    if (calls_.size() >= calls_max)
      co_return error{errc::busy, "too many calls to " + destination_ + " are under way"};
    auto id = call_bit | ++last_call_;
    sync::call message{std::move(method), std::move(params)};
    auto octets = sync::encode_frame(sync::frame_type::call, id, message.encode());
    if (!octets) co_return octets.error();
    auto self = shared_from_this();
    pending_call waiting(io_);
    waiting.answered.expires_after(timeout);
    calls_[id] = &waiting;
    send(sync::frame_type::call, std::move(*octets));
    co_await waiting.answered.async_wait(base::as_result);
    calls_.erase(id);
    if (waiting.answer) co_return std::move(*waiting.answer);
    co_return error{errc::outcome_unknown, destination_ + " did not answer a call in time"};
  }

 private:
  struct pending_call {
    explicit pending_call(asio::io_context& io) : answered(io) {}
    asio::steady_timer answered;
    std::optional<base::result<std::string>> answer;
  };

  // One TCP connection. A new one gets a new object, so what is left of an old one cannot be mistaken for it.
  struct connection {
    explicit connection(asio::io_context& io) : socket(io) {}
    tcp::socket socket;
    std::deque<std::pair<sync::frame_type, base::byte_string>> unsent;
    bool writing = false;
  };

  moment now() const {
    auto stamp = clock_.now();
    std::array<std::uint8_t, 4> random;
    base::random_bytes(random);
    return {stamp.monotonic_ms, stamp.unix_ms, base::load_big<std::uint32_t>(random.data())};
  }

  void carry_out(forward_steps steps) {
    for (auto& step : steps) std::visit([this](auto& s) { carry_out(s); }, step);
    auto& now_is = machine_.status();
    if (now_is.connected == told_connected_ && now_is.stopped_for_a_person.has_value() == told_stopped_)
      return;
    told_connected_ = now_is.connected;
    told_stopped_ = now_is.stopped_for_a_person.has_value();
    if (tell_changed && !stopped_) tell_changed();
  }

  void carry_out(forward_action::connect&) {
    auto made = std::make_shared<connection>(io_);
    connection_ = made;
    auto run = run_connection(shared_from_this(), std::move(made));
    asio::co_spawn(io_, std::move(run), asio::detached);
  }

  void carry_out(forward_action::close&) { close_connection(); }

  void carry_out(forward_action::send& s) { send(s.type, std::move(s.octets)); }

  // Records that waited for hours can wait a little longer, a customer cannot: while the till sells they go
  // in small bites, with room for a sale between two of them. What was just sold goes at once.
  void carry_out(forward_action::read& r) {
    auto behind = journal_.head().sequence - std::min(journal_.head().sequence, r.from);
    bool selling = std::chrono::steady_clock::now() - grew_at_ < selling_for;
    if (behind < bite || !selling) return read(r);
    breath_.expires_after(breath);
    auto small = r;
    small.count_max = std::min(small.count_max, bite);
    breath_.async_wait([self = shared_from_this(), small](boost::system::error_code problem) {
      if (!problem && !self->stopped_) self->read(small);
    });
  }

  void read(const forward_action::read& r) {
    auto then = [self = shared_from_this(), id = r.id](base::result<std::vector<base::record>> records) {
      // Posted, so that a store that answers at once does not call back into a machine that is still
      // deciding.
      asio::post(self->io_, [self, id, records = std::move(records)]() mutable {
        if (!self->stopped_)
          self->carry_out(self->machine_.records_read(self->now(), id, std::move(records)));
      });
    };
    journal_.read(r.from, r.count_max, r.octets_max, std::move(then));
  }

  void carry_out(forward_action::store& s) {
    base::reach(base::step::batch_acknowledged);
    auto then = [self = shared_from_this()](base::result<> outcome) {
      asio::post(self->io_, [self, outcome = std::move(outcome)] {
        if (!self->stopped_) self->carry_out(self->machine_.witness_stored(self->now(), outcome));
      });
    };
    journal_.save_witness(destination_, s.witness, std::move(then));
  }

  void carry_out(forward_action::set_timer& t) {
    auto present = clock_.monotonic_ms();
    auto wait = t.at_monotonic_ms > present ? t.at_monotonic_ms - present : 0;
    timer_.expires_after(std::chrono::milliseconds(wait));
    timer_.async_wait([self = shared_from_this()](boost::system::error_code problem) {
      if (!problem && !self->stopped_) self->carry_out(self->machine_.wake(self->now()));
    });
  }

  void carry_out(forward_action::tell& t) {
    if (t.why)
      base::log(t.level, t.sentence, *t.why, {{"destination", destination_}});
    else
      base::log(t.level, t.sentence, {{"destination", destination_}});
  }

  void close_connection() {
    if (auto old = std::exchange(connection_, nullptr)) {
      boost::system::error_code ignored;
      old->socket.close(ignored);
    }
    for (auto& [id, waiting] : calls_) {
      waiting->answer =
          error{errc::outcome_unknown, "the connection to " + destination_ + " broke before the answer"};
      waiting->answered.cancel();
    }
  }

  void send(sync::frame_type type, base::byte_string octets) {
    if (!connection_) return;
    connection_->unsent.emplace_back(type, std::move(octets));
    if (connection_->writing) return;
    connection_->writing = true;
    auto run = run_writer(shared_from_this(), connection_);
    asio::co_spawn(io_, std::move(run), asio::detached);
  }

  void lost(const std::shared_ptr<connection>& which, const std::string& why) {
    if (stopped_ || connection_ != which) return;
    carry_out(machine_.disconnected(now(), error{errc::central_unreachable, why}));
  }

  static asio::awaitable<void> run_writer(std::shared_ptr<shell> self, std::shared_ptr<connection> mine) {
    while (!mine->unsent.empty()) {
      auto [type, octets] = std::move(mine->unsent.front());
      mine->unsent.pop_front();
      auto whole = asio::buffer(octets);
      auto sent = co_await asio::async_write(mine->socket, whole, base::as_result);
      auto& [problem, size] = sent;
      if (problem) {
        self->lost(mine, "writing failed: " + problem.message());
        break;
      }
      if (type == sync::frame_type::append) base::reach(base::step::batch_sent);
    }
    mine->writing = false;
  }

  static asio::awaitable<void> run_connection(std::shared_ptr<shell> self, std::shared_ptr<connection> mine) {
    auto endpoint = tcp::endpoint(asio::ip::make_address(self->address_.host), self->address_.port);
    auto reached = co_await mine->socket.async_connect(endpoint, base::as_result);
    auto& [not_connected] = reached;
    if (not_connected) {
      self->lost(mine, self->address_.text() + ": " + not_connected.message());
      co_return;
    }
    if (self->stopped_ || self->connection_ != mine) co_return;
    boost::system::error_code ignored;
    mine->socket.set_option(tcp::no_delay(true), ignored);
    sync::nonce fresh;
    base::random_bytes(fresh);
    self->machine_.journal_begins(self->journal_.beginning());
    self->carry_out(self->machine_.connected(self->now(), fresh));

    sync::frame_reader reader(sync::frame_reader::for_peers);
    base::byte_string chunk(16 << 10);
    while (self->connection_ == mine) {
      auto into = asio::buffer(chunk);
      auto got = co_await mine->socket.async_read_some(into, base::as_result);
      auto& [problem, size] = got;
      if (problem) {
        self->lost(mine, "the connection ended: " + problem.message());
        co_return;
      }
      reader.feed(base::byte_view(chunk).first(size));
      // A frame can close the connection; what follows it then belongs to nobody.
      while (self->connection_ == mine) {
        auto next = reader.next();
        if (!next) {
          self->carry_out(self->machine_.disconnected(self->now(), next.error()));
          co_return;
        }
        if (!*next) break;
        self->arrived(**next);
      }
    }
  }

  void arrived(const sync::frame& f) {
    if (!(f.request & call_bit) || (f.request & sync::central_request_bit))
      return carry_out(machine_.frame_arrived(now(), f));
    auto at = calls_.find(f.request);
    if (at == calls_.end()) return;  // it came after its time
    if (f.type == sync::frame_type::reply) {
      at->second->answer = std::string(base::as_text(f.payload));
    } else {
      auto refused =
          f.type == sync::frame_type::refusal
              ? sync::refusal::parse(f.payload)
              : base::result<sync::refusal>(error{errc::parse_error, "the answer to a call is none"});
      at->second->answer = refused ? refused->as_error() : refused.error();
    }
    at->second->answered.cancel();
  }

  asio::io_context& io_;
  wire::loopback_address address_;
  std::string destination_;
  sync::role role_;
  forward_machine machine_;
  journal_source& journal_;
  const base::clock& clock_;
  asio::steady_timer timer_, breath_;
  std::chrono::steady_clock::time_point grew_at_{};
  std::shared_ptr<connection> connection_;
  std::map<std::uint64_t, pending_call*> calls_;
  std::uint64_t last_call_ = 0;
  bool stopped_ = false, told_connected_ = false, told_stopped_ = false;
};

forwarder::forwarder(asio::io_context& io, wire::loopback_address address, forward_settings settings,
                     till_identity identity, const signatures& keys, journal_source& journal,
                     const base::clock& clock)
    : shell_(std::make_shared<shell>(io, std::move(address), std::move(settings), std::move(identity), keys,
                                     journal, clock)) {}

forwarder::~forwarder() { shell_->stop(); }

base::result<> forwarder::start() { return shell_->start(); }
void forwarder::grew() { shell_->grew(); }
void forwarder::retry_now() { shell_->retry_now(); }
const forward_status& forwarder::status() const { return shell_->status(); }
void forwarder::on_changed(std::function<void()> tell) { shell_->tell_changed = std::move(tell); }

asio::awaitable<base::result<std::string>> forwarder::call(std::string method, std::string params,
                                                           std::chrono::milliseconds timeout) {
  return shell_->call(std::move(method), std::move(params), timeout);
}

}  // namespace tilld::daemon
