#include "central/witness_link.hpp"

#include <algorithm>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>

#include "base/as_result.hpp"
#include "base/log.hpp"
#include "wire/sync_frame.hpp"

namespace tilld::central {

namespace asio = boost::asio;
namespace sync = wire::sync;
using asio::ip::tcp;
using base::errc;
using base::error;
using base::result;

namespace {

constexpr std::size_t events_in_a_batch = 64;
constexpr auto answer_max = std::chrono::seconds(20);
constexpr auto silence_max = std::chrono::seconds(15);
constexpr auto retry_min = std::chrono::seconds(1), retry_max = std::chrono::seconds(15);

}  // namespace

// One connection after the other, as long as nobody stops it.
class witness_link::line : public std::enable_shared_from_this<witness_link::line> {
 public:
  line(asio::io_context& io, witness_config to, event_journal& events, const base::signing_key& key)
      : to_(std::move(to)), events_(events), key_(key), io_(io), socket_(io), deadline_(io), news_(io) {}

  void start() {
    auto run = go_on(shared_from_this());
    asio::co_spawn(io_, std::move(run), asio::detached);
  }

  void stop() {
    stopped_ = true;
    close();
    news_.cancel();
  }

  void look() {
    if (auto followed = events_.follow(); !followed)
      base::log(base::log_level::error, "The events for the witness cannot be read", followed.error());
    if (connected_ && events_.head().sequence > acknowledged_) news_.cancel();
  }

  witness_status status() const {
    return {to_.name, connected_, acknowledged_, events_.head().sequence, last_error_};
  }

 private:
  static asio::awaitable<void> go_on(std::shared_ptr<line> self) {
    auto pause = std::chrono::duration_cast<std::chrono::milliseconds>(retry_min);
    while (!self->stopped_) {
      auto ended = co_await self->converse();
      bool was_good = self->connected_;
      self->connected_ = false;
      self->close();
      if (self->stopped_) co_return;
      if (!self->last_error_ || self->last_error_->code != ended.code || was_good)
        base::log(base::log_level::warning,
                  "The witness does not take this server's events; it is tried again", ended,
                  {{"witness", self->to_.name}});
      self->last_error_ = ended;
      pause = was_good ? retry_min : std::min<std::chrono::milliseconds>(pause * 2, retry_max);
      self->news_.expires_after(pause);
      co_await self->news_.async_wait(base::as_result);
    }
  }

  // Until something ends it, and what that was.
  asio::awaitable<error> converse() {
    auto greeted = co_await greet();
    if (!greeted) co_return greeted.error();
    connected_ = true;
    last_error_.reset();
    for (;;) {
      if (stopped_) co_return error{errc::central_unreachable, "stopped"};
      if (events_.head().sequence == acknowledged_) {
        news_.expires_after(silence_max);
        co_await news_.async_wait(base::as_result);
        if (events_.head().sequence == acknowledged_) {
          base::byte_string nothing;
          auto alive = co_await exchange(sync::frame_type::ping, std::move(nothing), sync::frame_type::pong);
          if (!alive) co_return alive.error();
        }
        continue;
      }
      auto sent = co_await send_some();
      if (!sent) co_return sent.error();
    }
  }

  asio::awaitable<result<>> greet() {
    limit();
    boost::system::error_code ignored;
    socket_ = tcp::socket(io_);
    reader_ = sync::frame_reader(sync::frame_reader::for_peers);
    auto endpoint = tcp::endpoint(asio::ip::make_address(to_.address.host), to_.address.port);
    auto reached = co_await socket_.async_connect(endpoint, base::as_result);
    auto& [not_connected] = reached;
    if (not_connected)
      co_return error{errc::central_unreachable, to_.address.text() + ": " + not_connected.message()};
    socket_.set_option(tcp::no_delay(true), ignored);
    sync::hello h;
    h.software = std::string("till-central ") + TILLD_VERSION;
    h.merchant = to_.merchant;
    h.till = to_.id;
    h.key = key_.public_half();
    h.expected_role = sync::role::witness;
    h.head = events_.head();
    base::random_bytes(h.till_nonce);
    base::random_bytes(h.instance);
    auto octets = h.encode();
    auto challenged =
        co_await exchange(sync::frame_type::hello, std::move(octets), sync::frame_type::challenge);
    if (!challenged) co_return challenged.error();
    auto c = sync::challenge::parse(*challenged);
    if (!c) co_return c.error();
    if (c->central_key != to_.key ||
        !base::verify_signature(to_.key, sync::challenge_text(h, c->central_nonce, c->central_key),
                                c->signature))
      co_return error{errc::destination_changed, "it could not prove the key of witness " + to_.name};
    sync::proof p{key_.sign(sync::proof_text(h, c->central_nonce, c->central_key))};
    auto proof = p.encode();
    // The proof goes under the number of the hello.
    --last_request_;
    auto welcomed = co_await exchange(sync::frame_type::proof, std::move(proof), sync::frame_type::welcome);
    if (!welcomed) co_return welcomed.error();
    auto w = sync::welcome::parse(*welcomed);
    if (!w) co_return w.error();
    auto& at = w->standing.head;
    if (at.sequence > events_.head().sequence)
      co_return error{errc::journal_rolled_back,
                      "the witness holds more events than this server: it was restored"};
    if (at.hash != events_.hash_at(at.sequence))
      co_return error{errc::journal_forked, "the witness holds another event " + std::to_string(at.sequence)};
    acknowledged_ = at.sequence;
    co_return result<>();
  }

  asio::awaitable<result<>> send_some() {
    auto records = events_.read(acknowledged_ + 1, events_in_a_batch);
    if (!records) co_return records.error();
    sync::append batch;
    batch.first = acknowledged_ + 1;
    batch.previous = events_.hash_at(acknowledged_);
    batch.records = std::move(*records);
    auto octets = batch.encode();
    auto answer = co_await exchange(sync::frame_type::append, std::move(octets), sync::frame_type::appended);
    if (!answer) co_return answer.error();
    auto a = sync::acknowledgement::parse(*answer);
    if (!a) co_return a.error();
    if (!base::verify_signature(to_.key, a->signed_text(to_.id), a->signature) ||
        a->head.hash != events_.hash_at(a->head.sequence) || a->head.sequence <= acknowledged_)
      co_return error{errc::destination_changed, "the signature of the witness is wrong"};
    acknowledged_ = a->head.sequence;
    co_return result<>();
  }

  asio::awaitable<result<base::byte_string>> exchange(sync::frame_type type, base::byte_string payload,
                                                      sync::frame_type wanted) {
    limit();
    auto request = ++last_request_;
    auto octets = sync::encode_frame(type, request, payload);
    if (!octets) co_return octets.error();
    auto whole = asio::buffer(*octets);
    auto sent = co_await asio::async_write(socket_, whole, base::as_result);
    auto& [not_sent, size] = sent;
    if (not_sent) co_return error{errc::central_unreachable, "writing failed: " + not_sent.message()};
    base::byte_string chunk(16 << 10);
    for (;;) {
      auto next = reader_.next();
      if (!next) co_return next.error();
      if (*next) {
        auto& f = **next;
        if (f.type == sync::frame_type::refusal && (f.request == request || f.request == 0)) {
          auto no = sync::refusal::parse(f.payload);
          co_return no ? no->as_error() : no.error();
        }
        // The witness asks whether this end lives when another one wants its name.
        if (f.type == sync::frame_type::ping) {
          auto pong = sync::encode_frame(sync::frame_type::pong, f.request, {});
          if (!pong) co_return pong.error();
          auto reply = asio::buffer(*pong);
          auto replied = co_await asio::async_write(socket_, reply, base::as_result);
          auto& [lost, count] = replied;
          if (lost) co_return error{errc::central_unreachable, "writing failed: " + lost.message()};
          continue;
        }
        if (f.request != request) continue;
        if (f.type != wanted) co_return error{errc::parse_error, "the witness answered out of turn"};
        deadline_.cancel();
        co_return std::move(f.payload);
      }
      auto into = asio::buffer(chunk);
      auto got = co_await socket_.async_read_some(into, base::as_result);
      auto& [ended, count] = got;
      if (ended) co_return error{errc::central_unreachable, "the connection ended: " + ended.message()};
      reader_.feed(base::byte_view(chunk).first(count));
    }
  }

  void limit() {
    deadline_.expires_after(answer_max);
    deadline_.async_wait([self = shared_from_this()](boost::system::error_code stopped) {
      if (!stopped) self->close();
    });
  }

  void close() {
    boost::system::error_code ignored;
    socket_.close(ignored);
    deadline_.cancel();
  }

  witness_config to_;
  event_journal& events_;
  const base::signing_key& key_;
  asio::io_context& io_;
  tcp::socket socket_;
  asio::steady_timer deadline_, news_;
  sync::frame_reader reader_{sync::frame_reader::for_peers};
  std::uint64_t last_request_ = 0;
  std::uint64_t acknowledged_ = 0;
  bool connected_ = false, stopped_ = false;
  std::optional<error> last_error_;
};

witness_link::witness_link(asio::io_context& io, witness_config to, event_journal& events,
                           const base::signing_key& key)
    : line_(std::make_shared<line>(io, std::move(to), events, key)) {}

witness_link::~witness_link() { line_->stop(); }

void witness_link::start() { line_->start(); }
void witness_link::stop() { line_->stop(); }
void witness_link::look() { line_->look(); }
witness_status witness_link::status() const { return line_->status(); }

}  // namespace tilld::central
