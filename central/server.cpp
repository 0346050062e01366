#include "central/server.hpp"

#include <algorithm>

#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "base/log.hpp"
#include "central/proving.hpp"
#include "wire/sync_frame.hpp"

namespace tilld::central {

namespace asio = boost::asio;
using asio::ip::tcp;
using base::errc;
using base::error;
using base::result;

namespace {

// Time-outs are looked at this often; they are seconds long.
constexpr std::chrono::milliseconds tick_every{250};
constexpr std::size_t events_shown = 20;

std::string software() { return std::string("till-central ") + TILLD_VERSION; }

}  // namespace

result<std::unique_ptr<server>> server::open(asio::io_context& io, const config& c, const base::clock& clock,
                                             options how) {
  auto key = base::signing_key::load_or_create(c.key_path());
  if (!key) return key.error();
  auto opened = store::open(c.database, key->public_half(), how.storage);
  if (!opened) return opened.error();
  std::unique_ptr<server> s(new server(io, c, std::move(*key), std::move(*opened), clock, std::move(how)));
  if (auto loaded = s->intake_->load(); !loaded) return loaded.error();
  return s;
}

server::server(asio::io_context& io, config c, base::signing_key key, std::unique_ptr<store> s,
               const base::clock& clock, options how)
    : io_(io),
      config_(std::move(c)),
      options_(std::move(how)),
      clock_(clock),
      key_(std::move(key)),
      store_(std::move(s)),
      acceptor_(io),
      ticker_(io),
      started_unix_ms_(clock.unix_ms()) {
  auto apply = options_.apply;
  apply.role = config_.role;
  apply.software = software();
  budget_.octets_max = options_.budget_octets_max;
  intake_ = std::make_unique<class intake>(io, *store_, apply_machine(apply, config_.tills), key_, clock);
  add_calls();
}

server::~server() = default;

result<> server::listen() {
  boost::system::error_code problem;
  tcp::endpoint at(asio::ip::make_address(config_.sync.host), config_.sync.port);
  acceptor_.open(at.protocol(), problem);
  if (!problem) acceptor_.set_option(tcp::acceptor::reuse_address(true), problem);
  if (!problem) acceptor_.bind(at, problem);
  if (!problem) acceptor_.listen(tcp::acceptor::max_listen_connections, problem);
  if (problem) return error{errc::listen_refused, config_.sync.text() + ": " + problem.message()};
  accept_next();
  intake_->note_listing();
  for (auto& w : config_.witnesses) {
    event_journals_.push_back(std::make_unique<event_journal>(*store_, w.id));
    if (auto followed = event_journals_.back()->follow(); !followed) return followed.error();
    witnesses_.push_back(std::make_unique<witness_link>(io_, w, *event_journals_.back(), key_));
    witnesses_.back()->start();
  }
  tick();
  return {};
}

std::uint16_t server::sync_port() const { return acceptor_.local_endpoint().port(); }

void server::accept_next() {
  acceptor_.async_accept([this](boost::system::error_code problem, tcp::socket socket) {
    if (stopping_) return;
    if (problem) {
      // Out of descriptors: the one that could not be accepted waits, and so do we, instead of spinning.
      accept_later_ = true;
      return;
    }
    if (sessions_.size() < options_.sessions_max) {
      make_room_among_strangers();
      auto ended = [this](till_session& which) {
        for (auto at = sessions_.begin(); at != sessions_.end(); ++at)
          if (at->get() == &which) {
            sessions_.erase(at);
            return;
          }
      };
      auto session = std::make_shared<till_session>(std::move(socket), *intake_, calls_, key_, budget_,
                                                    options_.limits, std::move(ended));
      sessions_.insert(session);
      session->start();
    }
    accept_next();
  });
}

// Whoever only opens connections must not keep a till out: the oldest one that has not proved anything goes.
void server::make_room_among_strangers() {
  std::size_t strangers = 0;
  till_session* oldest = nullptr;
  for (auto& s : sessions_) {
    if (!s->stranger()) continue;
    ++strangers;
    if (!oldest || s->opened_at() < oldest->opened_at()) oldest = s.get();
  }
  if (strangers >= options_.strangers_max) oldest->close_now();
}

void server::tick() {
  ticker_.expires_after(tick_every);
  ticker_.async_wait([this](boost::system::error_code problem) {
    if (problem || stopping_) return;
    if (std::exchange(accept_later_, false)) accept_next();
    auto now = std::chrono::steady_clock::now();
    auto all = sessions_;  // a session that is closed leaves the set
    for (auto& s : all) s->check_deadlines(now);
    intake_->tick();
    for (auto& w : witnesses_) w->look();
    tick();
  });
}

void server::stop() {
  stopping_ = true;
  boost::system::error_code ignored;
  acceptor_.close(ignored);
  ticker_.cancel();
  for (auto& w : witnesses_) w->stop();
  auto all = sessions_;
  for (auto& s : all) s->close_now();
}

void server::add_calls() {
  add_proving_calls(*this);
  calls_.add("system.ping", [this](const caller&, const boost::json::object&, call_table::answer then) {
    then(boost::json::serialize(
        boost::json::object{{"time_unix_ms", clock_.unix_ms()}, {"software", software()}}));
  });
  calls_.add("till.head", [this](const caller& who, const boost::json::object&, call_table::answer then) {
    auto& machine = intake_->machine();
    auto listed = machine.tills().find(who.till);
    then(boost::json::serialize(
        till_status(who.till, listed == machine.tills().end() ? nullptr : &listed->second)));
  });
}

wire::sync::acknowledgement server::statement_on(const std::string& till) const {
  auto& machine = intake_->machine();
  wire::sync::acknowledgement a{
      machine.standing_of(till).head, machine.own().sequence, machine.own().hash, {}};
  a.signature = key_.sign(a.signed_text(till));
  return a;
}

boost::json::object server::till_status(const std::string& till, const listing* listed) const {
  auto& machine = intake_->machine();
  auto s = machine.standing_of(till);
  boost::json::object o{
      {"till", till},          {"listed", listed != nullptr}, {"connected", machine.is_connected(till)},
      {"epoch", s.head.epoch}, {"sequence", s.head.sequence}, {"hash", base::to_hex(s.head.hash)},
      {"restored", s.restored}};
  if (listed) {
    o["merchant"] = listed->merchant;
    o["branch"] = listed->branch;
    o["public_key"] = base::to_hex(machine.key_of(till));
    o["epoch_allowed"] = machine.epoch_allowed_of(till);
    o["replaced"] = s.replaced_epoch != 0;
  }
  if (s.stopped)
    o["quarantine"] = {{"code", base::describe(s.stopped->code).kind},
                       {"reason", s.stopped->reason},
                       {"since_unix_ms", s.stopped->since_unix_ms}};
  else
    o["quarantine"] = nullptr;
  return o;
}

result<boost::json::object> server::status() {
  auto& machine = intake_->machine();
  boost::json::object own{{"sequence", machine.own().sequence}, {"hash", base::to_hex(machine.own().hash)}};
  boost::json::array tills;
  std::uint64_t restored = 0;
  for (auto& [till, listed] : machine.tills()) tills.push_back(till_status(till, &listed));
  for (auto& [till, s] : machine.standings()) {
    restored += s.restored;
    if (!machine.tills().count(till)) tills.push_back(till_status(till, nullptr));
  }
  auto newest = store_->events(events_shown);
  if (!newest) return newest.error();
  boost::json::array events;
  for (auto& e : *newest) {
    boost::system::error_code ignored;
    events.push_back({{"central_sequence", e.place.sequence},
                      {"kind", name(e.kind)},
                      {"till", e.till},
                      {"event", boost::json::parse(e.text, ignored)}});
  }
  boost::json::array witnesses;
  for (auto& link : witnesses_) {
    auto w = link->status();
    boost::json::object o{{"name", w.name},
                          {"connected", w.connected},
                          {"acknowledged", w.acknowledged},
                          {"waiting", w.events - std::min(w.events, w.acknowledged)}};
    if (w.last_error)
      o["last_error"] = {{"kind", base::describe(w.last_error->code).kind}, {"detail", w.last_error->detail}};
    witnesses.push_back(std::move(o));
  }
  boost::json::object storage{{"full", store_->full()},
                              {"failed", store_->failed() || intake_->broken().has_value()}};
  return boost::json::object{{"software", software()},
                             {"role", name(config_.role)},
                             {"public_key", base::to_hex(key_.public_half())},
                             {"started_unix_ms", started_unix_ms_},
                             {"central", own},
                             {"restored", restored},
                             {"storage", storage},
                             {"tills", tills},
                             {"witnesses", witnesses},
                             {"events", events}};
}

std::string server::status_line() const {
  auto& machine = intake_->machine();
  std::size_t connected = 0, stopped = 0, restored = 0;
  for (auto& [till, listed] : machine.tills()) connected += machine.is_connected(till);
  for (auto& [till, s] : machine.standings()) {
    stopped += s.stopped.has_value();
    restored += s.restored;
  }
  auto line = std::string(name(config_.role)) + ", " + std::to_string(connected) + " of " +
              std::to_string(machine.tills().size()) + " tills connected, entry " +
              std::to_string(machine.own().sequence);
  if (stopped) line += ", " + std::to_string(stopped) + " IN QUARANTINE";
  if (restored) line += ", THIS SERVER LOST RECORDS " + std::to_string(restored) + " TIMES";
  for (auto& link : witnesses_)
    if (auto w = link->status(); w.events > w.acknowledged)
      line += ", WITNESS " + w.name + " LACKS " + std::to_string(w.events - w.acknowledged) + " EVENTS";
  if (store_->full()) line += ", DISK FULL";
  if (intake_->broken() || store_->failed()) line += ", STORAGE FAILED";
  return line;
}

}  // namespace tilld::central
