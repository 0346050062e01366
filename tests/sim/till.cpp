#include "tests/sim/till.hpp"

#include <optional>
#include <utility>

#include <boost/asio/async_result.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/json.hpp>

#include "tests/sim/central_server.hpp"
#include "tests/sim/mutants.hpp"

namespace tilld::sim {

namespace asio = boost::asio;
namespace sync = wire::sync;
using base::errc;
using base::error;
using base::result;
using daemon::device_outcome;
using daemon::keyed_calls;
using daemon::work_kind;
using wire::answer;

namespace {

constexpr std::uint64_t device_patience_ms = 5'000;

std::array<std::uint8_t, 32> seed_of_till(const std::string& name) {
  return base::sha256({base::as_bytes("till"), base::as_bytes(name)});
}

std::vector<std::string> names_of(const std::vector<central_server*>& all) {
  std::vector<std::string> names;
  for (auto* c : all) names.push_back(c->name());
  return names;
}

}  // namespace

class till::real_signatures final : public daemon::signatures {
 public:
  explicit real_signatures(const base::signing_key& key) : key_(key) {}
  base::signature sign(base::byte_view text) const override { return key_.sign(text); }
  bool verify(const base::public_key& by, base::byte_view text, const base::signature& s) const override {
    return base::verify_signature(by, text, s);
  }

 private:
  const base::signing_key& key_;
};

till::till(world& w, const swarm& rates, network& net, oracle& all, std::string machine_name,
           std::string till_name, std::vector<central_server*> destinations)
    : machine(w, std::move(machine_name)),
      rates_(rates),
      network_(net),
      oracle_(all),
      till_name_(std::move(till_name)),
      destinations_(std::move(destinations)),
      key_(seed_of_till(till_name_)),
      signatures_(std::make_unique<real_signatures>(key_)),
      device_(w, rates, all, name() + "-printer") {}

till::~till() {
  drop_before_loop();
  drop_loop();
  drop_after_loop();
}

bool till::start() {
  daemon::store::options how;
  how.folder = storage().path("");
  how.till = till_name_;
  how.destinations = names_of(destinations_);
  how.where = daemon::store::options::threads::always_io_thread;
  how.vfs = storage().vfs();
  auto opened = daemon::store::open(loop().get_executor(), clock(), std::move(how));
  if (!opened) {
    in().tell(name(), "cannot open its journal: ", base::to_string(opened.error()));
    return false;
  }
  store_ = std::move(*opened);
  journal_ = std::make_unique<daemon::forward_journal>(*store_);
  base::random_bytes(instance_);
  if (dying() || !count_this_start()) return false;
  keyed_ = std::make_unique<keyed_calls>(loop().get_executor(), *store_, clock(), base::byte_string(32, 7));

  daemon::till_identity identity;
  identity.merchant = "shop";
  identity.till = till_name_;
  identity.software = "simulated";
  identity.key = key_.public_half();
  identity.start_counter = start_counter_;
  identity.instance = instance_;
  for (auto* c : destinations_) {
    daemon::forward_settings settings;
    settings.destination = c->name();
    settings.role = c->role();
    settings.batch_records_max = rates_.batch_records_max;
    settings.batches_in_flight_max = rates_.batches_in_flight_max;
    roads_.push_back(std::make_unique<road>(*this, *c, settings, identity));
    auto known = journal_->load_witness(c->name());
    if (!known) return false;
    roads_.back()->carry_out(
        roads_.back()->machine.start(moment_now(), *known, journal_->beginning(), journal_->head()));
  }
  store_->on_grown = [this] {
    for (auto& r : roads_) r->carry_out(r->machine.journal_grew(moment_now(), journal_->head()));
  };
  return true;
}

// As the daemon does it: the number of this start is durable before central sees it, and a full disk does not
// keep the till from starting.
bool till::count_this_start() {
  std::optional<result<>> outcome;
  auto counted = [this](daemon::rows& in) -> result<> {
    auto starts = in.find_fact("starts");
    if (!starts) return starts.error();
    start_counter_ =
        (*starts && (*starts)->size() == 8 ? base::load_big<std::uint64_t>((*starts)->data()) : 0) + 1;
    if (is(mutant::start_is_not_counted)) return {};
    base::byte_string octets;
    base::byte_writer(octets).u64(start_counter_);
    return in.put_fact("starts", octets);
  };
  store_->submit(work_kind::housekeeps, counted, [&](result<> r) { outcome = std::move(r); });
  while (!outcome) {
    loop().restart();
    if (loop().poll_one() == 0) break;
  }
  loop().restart();
  if (!outcome || !*outcome) {
    if (outcome && !dying()) in().tell(name(), "cannot count its start: ", base::to_string(outcome->error()));
    return false;
  }
  boost::json::object note{{"start", start_counter_}};
  daemon::journal_entry entry{"daemon.started", boost::json::serialize(note), std::nullopt};
  store_->submit(
      work_kind::books,
      [entry](daemon::rows& in) -> result<> {
        auto appended = in.append(entry);
        if (!appended) return appended.error();
        return {};
      },
      nullptr);
  return true;
}

void till::drop_before_loop() {
  for (auto& r : roads_)
    if (r->line) r->line->orphaned(side::till, last_death());
  if (store_) device_.crash();
  // Coroutines that wait for these go down by way of the loop, which must still be there.
  asked_.clear();
  keyed_.reset();
  journal_.reset();
  store_.reset();
}

void till::drop_after_loop() { roads_.clear(); }

daemon::moment till::moment_now() {
  auto s = stamp();
  return {s.monotonic_ms, s.unix_ms, static_cast<std::uint32_t>(in().dice.next())};
}

void till::call(asked what, std::function<void(const answer&)> then) {
  base::reach(base::step::request_read);
  if (what.method == "sale.record")
    record_sale(std::move(what), std::move(then));
  else
    print(std::move(what), std::move(then));
}

// What calls/sale_calls.cpp books: one record with the params as they came, and an answer that names it.
void till::record_sale(asked what, std::function<void(const answer&)> then) {
  auto who = std::make_shared<daemon::caller>();
  who->principal = what.principal;
  auto params = boost::json::parse(what.params).as_object();
  auto amount = params.at("amount").as_int64();
  keyed_calls::booking effect = [what, amount](daemon::rows& in,
                                               const base::uuid& operation) -> result<answer> {
    std::string body = R"({"principal":")" + what.principal + R"(","operation_id":")" + operation.text() +
                       R"(","sale":)" + what.params + "}";
    daemon::journal_entry entry{"sale", std::move(body), base::money{amount, "EUR"}};
    auto header = in.append(entry);
    if (!header) return header.error();
    boost::json::object reply{{"operation_id", operation.text()},
                              {"record_id", header->id.text()},
                              {"sequence", header->sequence},
                              {"hash", base::to_hex(in.head().hash)}};
    return wire::make_result(reply);
  };
  daemon::call c{std::move(who), what.method, std::move(params), what.params};
  keyed_calls::request request{std::move(c), {}, false};
  auto running = keyed_->book(std::move(request), std::move(effect));
  auto told = [this, what = std::move(what), then = std::move(then)](std::exception_ptr failed,
                                                                     const answer& a) {
    if (failed || dying()) return;
    check_promise(what, a);
    then(a);
  };
  asio::co_spawn(loop(), std::move(running), std::move(told));
}

void till::print(asked what, std::function<void(const answer&)> then) {
  auto who = std::make_shared<daemon::caller>();
  who->principal = what.principal;
  used_key key{till_name_, what.principal, what.method, what.key};
  keyed_calls::device_action action;
  action.device = "printer";
  action.act = [this, key](base::uuid operation, std::shared_ptr<base::cancellation>) {
    return ask_device(key, operation, false);
  };
  if (rates_.device_can_tell)
    action.look_up = [this, key](base::uuid operation, const std::string&) {
      return ask_device(key, operation, true);
    };
  if (!device_.up()) action.absent = error{errc::device_gone, "the plugin is not there"};
  daemon::call c{std::move(who), what.method, boost::json::parse(what.params).as_object(), what.params};
  keyed_calls::request request{std::move(c), {}, false};
  if (!what.waits) request.wait_ms = 0;
  auto running = keyed_->act(std::move(request), std::move(action));
  auto told = [this, what = std::move(what), then = std::move(then)](std::exception_ptr failed,
                                                                     const answer& a) {
    if (failed || dying()) return;
    check_promise(what, a);
    then(a);
  };
  asio::co_spawn(loop(), std::move(running), std::move(told));
}

// INV-9 for the till: whoever hears of success could cut the power now.
void till::check_promise(const asked& what, const answer& a) {
  bool done = !a.is_error && a.text.find(R"("state":"running")") == a.text.npos;
  if (done && !storage().keeps_answer({what.principal, what.method, what.key}))
    in().broken("INV-9 no OK before the flush", name() + " answers " + what.principal + " " + what.key +
                                                    " with " + a.text + ", and nothing of it is on its disk");
}

asio::awaitable<device_outcome> till::ask_device(used_key key, base::uuid operation, bool look_up) {
  auto start = [this, key, operation, look_up](auto completion) {
    auto shared = std::make_shared<decltype(completion)>(std::move(completion));
    auto mine = ++last_asked_;
    asked_[mine] = [shared](device_outcome o) { (*shared)(std::move(o)); };
    auto answered = [this, mine](device_outcome o) {
      in_process(0, [this, mine, o = std::move(o)]() mutable {
        auto at = asked_.find(mine);
        if (at == asked_.end()) return;
        auto then = std::move(at->second);
        asked_.erase(at);
        then(std::move(o));
      });
    };
    // The plugin dies with the daemon, and with it what was on its way to the device.
    out(in().dice.between(0, 2), [this, mine_life = life(), mine, key, operation, look_up, answered] {
      if (!up() || life() != mine_life || !asked_.count(mine)) return;
      if (look_up)
        answered(device_.look_up(operation));
      else
        device_.act(key, operation, answered);
    });
    in_process(device_patience_ms, [answered] {
      answered({device_outcome::state::unknown, {}, {errc::device_timeout, "the device did not answer"}});
    });
  };
  return asio::async_initiate<const asio::use_awaitable_t<>, void(device_outcome)>(start,
                                                                                   asio::use_awaitable);
}

void till::device_lost() {
  in_process(0, [this] {
    for (auto& [id, then] : std::exchange(asked_, {}))
      then({device_outcome::state::unknown, {}, {errc::device_gone, "the plugin died"}});
  });
}

std::optional<base::chain_head> till::stored_cursor(std::size_t destination) const {
  if (!store_) return std::nullopt;
  auto known = journal_->load_witness(destinations_[destination]->name());
  return known && *known ? std::optional((*known)->last.head) : std::nullopt;
}

std::vector<base::record> till::journal() {
  std::vector<base::record> all;
  for (bool more = true; more;) {
    bool answered = false;
    journal_->read(all.size() + 1, 1000, 64 << 20, [&](result<std::vector<base::record>> some) {
      answered = true;
      more = some && !some->empty();
      if (some) std::move(some->begin(), some->end(), std::back_inserter(all));
    });
    loop().restart();
    loop().poll();
    if (!answered) break;
  }
  return all;
}

till::road::road(till& t, central_server& c, daemon::forward_settings how, daemon::till_identity identity)
    : owner(t), to(c), destination(how.destination), machine(how, std::move(identity), *t.signatures_) {}

void till::road::connected(connection& c) {
  if (&c != line.get()) return;
  reader = sync::frame_reader(sync::frame_reader::for_peers);
  sync::nonce fresh;
  base::random_bytes(fresh);
  carry_out(machine.connected(owner.moment_now(), fresh));
}

void till::road::arrived(connection& c, base::byte_view octets) {
  if (&c != line.get()) return;
  reader.feed(octets);
  // A frame can close the connection; what follows it then belongs to nobody.
  while (&c == line.get()) {
    auto next = reader.next();
    if (!next) return carry_out(machine.disconnected(owner.moment_now(), next.error()));
    if (!*next) return;
    carry_out(machine.frame_arrived(owner.moment_now(), **next));
  }
}

void till::road::ended(connection& c, std::string_view why) {
  if (&c != line.get()) return;
  carry_out(machine.disconnected(owner.moment_now(), error{errc::central_unreachable, std::string(why)}));
}

void till::road::carry_out(daemon::forward_steps steps) {
  for (auto& step : steps) std::visit([this](auto& s) { carry_out(s); }, step);
}

void till::road::carry_out(daemon::forward_action::connect&) {
  line = owner.network_.connect(owner, *this, to,
                                [this](std::shared_ptr<connection> c) { return to.accept(std::move(c)); });
}

void till::road::carry_out(daemon::forward_action::close&) {
  if (auto old = std::exchange(line, nullptr)) old->close(side::till);
}

void till::road::carry_out(daemon::forward_action::send& s) {
  if (!line) return;
  // INV-9 on the road: central must never hold what a power cut could take from the till.
  if (s.type == sync::frame_type::append && !owner.dying() && !owner.storage().keeps_record(sent_up_to))
    owner.in().broken("INV-9 nothing leaves before the flush",
                      owner.name() + " sends record " + std::to_string(sent_up_to) + " to " + destination +
                          ", which is not on its disk");
  bool batch = s.type == sync::frame_type::append;
  line->send(side::till, std::move(s.octets));
  if (batch) base::reach(base::step::batch_sent);
  if (batch && owner.rates_.newer_till && owner.in().dice.below(8) == 0) {
    auto later =
        sync::encode_frame(static_cast<sync::frame_type>(78), std::uint64_t{1} << 61 | ++unasked, {});
    line->send(side::till, std::move(*later));
  }
}

void till::road::carry_out(daemon::forward_action::read& r) {
  auto then = [this, id = r.id](result<std::vector<base::record>> records) {
    asio::post(owner.loop(), [this, id, records = std::move(records)]() mutable {
      if (records && !records->empty())
        if (auto header = records->back().decoded()) sent_up_to = header->sequence;
      carry_out(machine.records_read(owner.moment_now(), id, std::move(records)));
    });
  };
  owner.journal_->read(r.from, r.count_max, r.octets_max, std::move(then));
}

void till::road::carry_out(daemon::forward_action::store& s) {
  auto& head = s.witness.last.head;
  if (!owner.dying() && !owner.oracle_.is_set_back(destination) &&
      !to.storage().keeps_at_central(owner.till_name_, head))
    owner.in().broken(
        "INV-1 the cursor is never ahead of the destination",
        owner.name() + " believes that " + destination + " holds record " + std::to_string(head.sequence));
  base::reach(base::step::batch_acknowledged);
  auto then = [this](result<> outcome) {
    asio::post(owner.loop(), [this, outcome = std::move(outcome)] {
      carry_out(machine.witness_stored(owner.moment_now(), outcome));
    });
  };
  owner.journal_->save_witness(destination, s.witness, std::move(then));
}

void till::road::carry_out(daemon::forward_action::set_timer& t) {
  auto now = owner.stamp().monotonic_ms;
  auto wait = t.at_monotonic_ms > now ? t.at_monotonic_ms - now : 0;
  owner.in_process(wait, [this, mine = ++timer] {
    if (mine == timer) carry_out(machine.wake(owner.moment_now()));
  });
}

void till::road::carry_out(daemon::forward_action::tell& t) {
  if (t.why)
    base::log(t.level, t.sentence, *t.why, {{"destination", destination}});
  else
    base::log(t.level, t.sentence, {{"destination", destination}});
}

}  // namespace tilld::sim
