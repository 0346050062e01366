#include "central/till_session.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/write.hpp>

#include "base/as_result.hpp"
#include "base/log.hpp"
#include "base/step.hpp"
#include "central/proving.hpp"

namespace tilld::central {

namespace asio = boost::asio;
namespace sync = wire::sync;
using base::errc;
using base::error;
using std::chrono::steady_clock;

namespace {

// One that holds little is not what fills the budget.
constexpr std::size_t small_holder = 256 << 10;

}  // namespace

till_session::till_session(asio::ip::tcp::socket socket, intake& to, const call_table& calls,
                           const base::signing_key& key, session_budget& budget, session_limits limits,
                           std::function<void(till_session&)> ended)
    : socket_(std::move(socket)),
      intake_(to),
      calls_(calls),
      key_(key),
      budget_(budget),
      limits_(limits),
      ended_(std::move(ended)),
      room_(socket_.get_executor()),
      reader_(sync::frame_reader::for_strangers),
      opened_at_(steady_clock::now()),
      heard_at_(opened_at_),
      write_since_(opened_at_) {}

till_session::~till_session() { budget_.octets -= held_; }

void till_session::start() {
  id_ = intake_.opened(*this);
  boost::system::error_code ignored;
  socket_.set_option(asio::ip::tcp::no_delay(true), ignored);
  auto run = [](std::shared_ptr<till_session> self) -> asio::awaitable<void> {
    co_await self->read_all();
    self->close_now();
  };
  auto running = run(shared_from_this());
  asio::co_spawn(socket_.get_executor(), std::move(running), asio::detached);
}

asio::awaitable<void> till_session::read_all() {
  base::byte_string chunk(16 << 10);
  while (!closing_) {
    // A till that sends faster than it reads its answers waits here, and its socket fills up on its own side.
    if (unanswered_.size() >= limits_.requests_in_flight_max) {
      room_.expires_at(steady_clock::time_point::max());
      co_await room_.async_wait(base::as_result);
      continue;
    }
    auto into = asio::buffer(chunk);
    auto got = co_await socket_.async_read_some(into, base::as_result);
    auto& [problem, size] = got;
    if (problem) co_return;
    if (closing_) break;
    heard_at_ = steady_clock::now();
    auto before = reader_.held();
    reader_.feed(base::byte_view(chunk).first(size));
    while (!closing_) {
      auto next = reader_.next();
      if (!next) {
        refuse(0, next.error(), true);
        break;
      }
      if (!*next) break;
      take(**next);
    }
    auto after = reader_.held();
    if (after > before)
      hold(after - before);
    else
      let_go(before - after);
  }
  // Closing with octets unread would reset the connection, and the peer might never read why it was refused.
  // So what it still sends is read and dropped until it goes, or until check_deadlines() has waited long
  // enough.
  for (;;) {
    auto into = asio::buffer(chunk);
    auto got = co_await socket_.async_read_some(into, base::as_result);
    auto& [problem, size] = got;
    if (problem) co_return;
  }
}

void till_session::take(sync::frame& f) {
  switch (f.type) {
    case sync::frame_type::hello: return take_hello(f);
    case sync::frame_type::proof: return take_proof(f);
    case sync::frame_type::question: return take_question(f);
    default: break;
  }
  if (phase_ != phase::open)
    return refuse(f.request, {errc::hello_required, "the first frame is hello"}, true);
  switch (f.type) {
    case sync::frame_type::append: return take_append(f);
    case sync::frame_type::call: return take_call(f);
    case sync::frame_type::ping: return send(sync::frame_type::pong, f.request, {});
    case sync::frame_type::pong: return intake_.pong(id_, f.request);
    case sync::frame_type::refusal: return;  // of something that central asked; it can live without
    default: return refuse(f.request, {errc::unknown_method, "central does not know this frame type"}, false);
  }
}

void till_session::take_hello(const sync::frame& f) {
  if (phase_ != phase::expects_hello)
    return refuse(f.request, {errc::invalid_request, "hello came out of turn"}, true);
  auto h = sync::hello::parse(f.payload);
  if (!h) return refuse(f.request, h.error(), true);
  if (auto may = intake_.machine().may_greet(*h); !may) {
    base::log(base::log_level::warning, "A till was not let in", may.error(), {{"till", h->till}});
    return refuse(f.request, may.error(), true);
  }
  hello_ = std::move(*h);
  greeting_request_ = f.request;
  phase_ = phase::expects_proof;
  base::random_bytes(nonce_);
  sync::challenge c{nonce_, key_.public_half(),
                    key_.sign(sync::challenge_text(hello_, nonce_, key_.public_half()))};
  send(sync::frame_type::challenge, f.request, c.encode());
}

void till_session::take_proof(const sync::frame& f) {
  if (phase_ != phase::expects_proof || f.request != greeting_request_)
    return refuse(f.request, {errc::invalid_request, "proof came out of turn"}, true);
  auto p = sync::proof::parse(f.payload);
  if (!p) return refuse(f.request, p.error(), true);
  auto text = sync::proof_text(hello_, nonce_, key_.public_half());
  if (!base::verify_signature(hello_.key, text, p->signature)) {
    error why{errc::key_refused, "the proof does not fit the key of till " + hello_.till};
    base::log(base::log_level::warning, "A till was not let in", why, {{"till", hello_.till}});
    return refuse(f.request, why, true);
  }
  phase_ = phase::waits_for_welcome;
  intake_.greeted(id_, f.request, hello_, std::move(text), p->signature);
}

void till_session::admitted(const std::string& till) {
  till_ = till;
  phase_ = phase::open;
  reader_.set_limits(sync::frame_reader::for_peers);
}

void till_session::take_append(sync::frame& f) {
  auto batch = sync::append::parse(f.payload);
  if (!batch) return refuse(f.request, batch.error(), false);
  auto holds = f.payload.size();
  if (!unanswered_.emplace(f.request, holds).second)
    return refuse(f.request, {errc::invalid_request, "a request id is used twice"}, true);
  hold(holds);
  intake_.append(id_, f.request, std::move(*batch));
}

void till_session::take_call(const sync::frame& f) {
  auto c = sync::call::parse(f.payload);
  if (!c) return refuse(f.request, c.error(), false);
  if (!unanswered_.emplace(f.request, 0).second)
    return refuse(f.request, {errc::invalid_request, "a request id is used twice"}, true);
  run_call(f.request, c->method, c->params);
}

// Instead of a proof, and after it more of the same: nobody is admitted, no place is taken from the till's
// other connection, and nothing but questions is heard here.
void till_session::take_question(const sync::frame& f) {
  if (phase_ != phase::expects_proof && phase_ != phase::asks)
    return refuse(f.request, {errc::invalid_request, "a question came out of turn"}, true);
  auto q = sync::question::parse(f.payload);
  if (!q) return refuse(f.request, q.error(), true);
  if (!base::verify_signature(hello_.key, q->signed_text(hello_, nonce_, key_.public_half(), f.request),
                              q->signature)) {
    error why{errc::key_refused, "the question is not signed with the key of till " + hello_.till};
    base::log(base::log_level::warning, "A till was not answered", why, {{"till", hello_.till}});
    return refuse(f.request, why, true);
  }
  phase_ = phase::asks;
  till_ = hello_.till;
  if (!q->method.starts_with(proving_prefix))
    return refuse(f.request, {errc::forbidden, q->method + " is no question"}, true);
  if (!unanswered_.emplace(f.request, 0).second)
    return refuse(f.request, {errc::invalid_request, "a request id is used twice"}, true);
  run_call(f.request, q->method, q->params);
}

void till_session::run_call(std::uint64_t request_id, const std::string& method, const std::string& params) {
  auto answer = [weak = weak_from_this(), request = request_id](base::result<std::string> outcome) {
    auto self = weak.lock();
    if (!self) return;
    if (outcome)
      self->send(sync::frame_type::reply, request, base::as_bytes(*outcome));
    else
      self->refuse(request, outcome.error(), false);
  };
  calls_.run(caller{till_}, method, params, std::move(answer));
}

void till_session::refuse(std::uint64_t request, const error& why, bool then_close) {
  sync::refusal no{static_cast<int>(why.code), why.detail, std::nullopt};
  send(sync::frame_type::refusal, request, no.encode());
  if (then_close) close();
}

void till_session::send(sync::frame_type type, std::uint64_t request, base::byte_view payload) {
  if (closing_ || !socket_.is_open()) return;
  if (auto at = unanswered_.find(request); at != unanswered_.end()) {
    // Its place among the requests in flight is free only when the answer was written: see write_all().
    let_go(std::exchange(at->second, 0));
  }
  auto octets = sync::encode_frame(type, request, payload);
  if (!octets) {
    sync::refusal no{static_cast<int>(octets.error().code), octets.error().detail, std::nullopt};
    octets = sync::encode_frame(sync::frame_type::refusal, request, no.encode());
    type = sync::frame_type::refusal;
  }
  hold(octets->size());
  unsent_.push_back({type, std::move(*octets)});
  if (writing_) return;
  writing_ = true;
  write_since_ = steady_clock::now();
  auto run = [](std::shared_ptr<till_session> self) -> asio::awaitable<void> { co_await self->write_all(); };
  auto running = run(shared_from_this());
  asio::co_spawn(socket_.get_executor(), std::move(running), asio::detached);
}

asio::awaitable<void> till_session::write_all() {
  while (!unsent_.empty()) {
    auto next = std::move(unsent_.front());
    unsent_.pop_front();
    write_since_ = steady_clock::now();
    auto whole = asio::buffer(next.octets);
    auto sent = co_await asio::async_write(socket_, whole, base::as_result);
    auto& [problem, size] = sent;
    let_go(next.octets.size());
    if (problem) {
      close_now();
      break;
    }
    if (next.type == sync::frame_type::appended) base::reach(base::step::acknowledged);
    unanswered_.erase(base::load_big<std::uint64_t>(&next.octets[8]));
    room_.cancel();
  }
  writing_ = false;
  if (closing_) say_goodbye();
}

void till_session::close() {
  if (std::exchange(closing_, true)) return;
  closing_at_ = steady_clock::now();
  room_.cancel();
  if (!writing_) say_goodbye();
}

void till_session::say_goodbye() {
  boost::system::error_code ignored;
  socket_.shutdown(asio::ip::tcp::socket::shutdown_send, ignored);
}

void till_session::close_now() {
  closing_ = true;
  boost::system::error_code ignored;
  socket_.close(ignored);
  room_.cancel();
  if (std::exchange(ended_called_, true)) return;
  intake_.closed(id_);
  ended_(*this);
}

void till_session::check_deadlines(steady_clock::time_point now) {
  bool proved = phase_ == phase::open || phase_ == phase::asks;
  bool late = proved ? now - heard_at_ > limits_.silence_max : now - opened_at_ > limits_.greeting_max;
  if (closing_ && now - closing_at_ > limits_.goodbye_max) late = true;
  if (writing_ && now - write_since_ > limits_.write_max) late = true;
  if (late) close_now();
}

void till_session::hold(std::size_t octets) {
  held_ += octets;
  budget_.octets += octets;
  if (budget_.octets <= budget_.octets_max || held_ <= small_holder || closing_) return;
  if (std::exchange(sent_away_, true)) return;
  base::log(base::log_level::warning, "Too much is waiting; a till is sent away for a while",
            {{"till", till_}});
  refuse(0, {errc::busy, "central holds too much unfinished input"}, true);
}

void till_session::let_go(std::size_t octets) {
  held_ -= octets;
  budget_.octets -= octets;
}

}  // namespace tilld::central
