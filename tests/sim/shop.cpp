#include "tests/sim/shop.hpp"

#include <algorithm>

#include "tests/sim/stand_ins.hpp"

namespace tilld::sim {
namespace {

// Of a seed, before the shop closes.
constexpr std::uint64_t events_min = 1'000;
constexpr std::uint64_t look_every_ms = 1'000;
// After the faults stop. The longest waits are of the product: a minute between two tries where a person
// should act, twenty seconds without an answer, a stalled device.
constexpr std::uint64_t drains_within_ms = 400'000;

}  // namespace

shop::shop(std::uint64_t seed, bool tells)
    : seed_(seed),
      world_(seed, tells),
      rates_(swarm::drawn(world_.dice)),
      oracle_(world_),
      network_(world_, rates_) {
  random_octets_from(world_.dice);
  centrals_.push_back(
      std::make_unique<central_server>(world_, rates_, oracle_, "ledger", wire::sync::role::ledger));
  centrals_.push_back(
      std::make_unique<central_server>(world_, rates_, oracle_, "witness", wire::sync::role::witness));
  std::vector<central_server*> destinations{centrals_[0].get(), centrals_[1].get()};
  for (int n = 1; n <= rates_.tills; ++n) {
    auto name = "till-" + std::to_string(n);
    tills_.push_back(std::make_unique<till>(world_, rates_, network_, oracle_, name, name, destinations));
    for (auto& c : centrals_) c->list(name, tills_.back()->key());
    for (int k = 1; k <= rates_.clients_each; ++k)
      clients_.push_back(std::make_unique<client>(world_, rates_, oracle_, *tills_.back(),
                                                  "unix:" + std::to_string(n * 1000 + k)));
  }
}

shop::~shop() = default;

outcome shop::run() {
  sell();
  while (world_.turn()) {
  }
  outcome o;
  o.seed = seed_;
  o.events = world_.events();
  o.trace = world_.trace();
  o.virtual_ms = world_.now_ms();
  o.answers = oracle_.told();
  o.violated = world_.violated();
  return o;
}

void shop::sell() {
  for (auto& m : centrals_) m->boot();
  for (auto& t : tills_) t->boot();
  for (auto& m : centrals_) m->storage().faults.sync_ms_max = rates_.sync_ms_max;
  for (auto& t : tills_) t->storage().faults.sync_ms_max = rates_.sync_ms_max;
  for (auto& c : clients_) c->open();
  world_.after(look_every_ms, [this] { trouble(); });
  world_.after(rates_.sales_ms, [this] { close_when_enough_happened(); });
  auto early = world_.dice.between(2'000, rates_.sales_ms / 2);
  auto late = world_.dice.between(early + 1, rates_.sales_ms - 1);
  if (rates_.till_disk_set_back || rates_.twin_till)
    world_.after(early, [this] {
      world_.tell("owner", "copies the disk of ", tills_[0]->name());
      image_ = tills_[0]->storage().copy();
    });
  if (rates_.till_disk_set_back) world_.after(late, [this] { set_back_till(); });
  if (rates_.twin_till) world_.after(late, [this] { add_twin(); });
  if (rates_.central_set_back) {
    world_.after(early, [this] {
      world_.tell("owner", "copies the disk of ", centrals_[0]->name());
      image_ = centrals_[0]->storage().copy();
    });
    world_.after(late, [this] { set_back_central(); });
  }
}

// A shop in which nearly everything was down all day has shown little.
void shop::close_when_enough_happened() {
  if (world_.events() >= events_min) return calm_down();
  world_.after(look_every_ms, [this] { close_when_enough_happened(); });
}

// Once a second: what goes wrong in the next one.
void shop::trouble() {
  if (calm_) return;
  // One that died at a point later than it was expected to.
  for (auto& t : tills_)
    if (!t->up()) bring_back(*t, world_.dice.between(100, 4'000));
  for (auto& c : centrals_)
    if (!c->up()) bring_back(*c, world_.dice.between(100, 4'000));
  for (auto& t : tills_) trouble_at_till(*t);
  for (auto& c : centrals_) trouble_at_central(*c);
  for (auto& t : tills_)
    for (auto& c : centrals_)
      if (world_.dice.hits(rates_.partitions)) {
        auto which = world_.dice.below(3);
        network_.partition(*t, *c, which != 0, which != 1, world_.dice.between(50, rates_.partition_ms_max));
      }
  world_.after(look_every_ms, [this] { trouble(); });
}

void shop::trouble_at_till(till& t) {
  auto& dice = world_.dice;
  if (dice.hits(rates_.till_deaths)) kill(t);
  if (dice.hits(rates_.clock_jumps)) {
    // Ten seconds ahead or back, or 1970: a till without a battery.
    auto off =
        dice.below(4) == 0 ? -1'700'000'000'000 : static_cast<std::int64_t>(dice.below(20'000)) - 10'000;
    world_.tell(t.name(), "has its clock turned by ", off, " ms");
    t.turn_clock(off);
  }
  if (dice.hits(rates_.device_crashes)) {
    t.printer().crash();
    t.device_lost();
  }
  auto& faults = t.storage().faults;
  if (dice.hits(rates_.disk_fills)) {
    faults.full = true;
    world_.tell(t.name(), "has a full disk");
    world_.after(dice.between(500, 8'000), [&faults] { faults.full = false; });
  }
  if (dice.hits(rates_.flush_failures) && !faults.sync_fails) {
    faults.sync_fails = true;
    world_.tell(t.name(), "has a disk whose flushes fail");
    // Somebody comes and starts it again, on a disk that works.
    world_.after(dice.between(500, 10'000), [this, &t, &faults] {
      faults.sync_fails = false;
      t.die(world_.dice.hits(rates_.power_cuts) ? death::power_cut : death::killed);
      bring_back(t, 500);
    });
  }
}

void shop::trouble_at_central(central_server& c) {
  auto& dice = world_.dice;
  if (dice.hits(rates_.central_deaths)) kill(c);
  auto& faults = c.storage().faults;
  if (dice.hits(rates_.disk_fills)) {
    faults.full = true;
    world_.tell(c.name(), "has a full disk");
    world_.after(dice.between(500, 8'000), [&faults] { faults.full = false; });
  }
  if (dice.hits(rates_.flush_failures) && !faults.sync_fails) {
    faults.sync_fails = true;
    world_.tell(c.name(), "has a disk whose flushes fail");
    world_.after(dice.between(500, 10'000), [this, &c, &faults] {
      faults.sync_fails = false;
      c.die(world_.dice.hits(rates_.power_cuts) ? death::power_cut : death::killed);
      bring_back(c, 500);
    });
  }
}

void shop::kill(machine& m) {
  auto how = world_.dice.hits(rates_.power_cuts) ? death::power_cut : death::killed;
  if (m.up() && world_.dice.hits(rates_.deaths_at_points))
    m.die_at_point(world_.dice.between(1, 40), how);
  else
    m.die(how);
  // One that was only told to die at a point may still live then.
  bring_back(m, world_.dice.between(100, 4'000));
}

void shop::bring_back(machine& m, std::uint64_t ms) {
  world_.after(ms, [this, &m] {
    m.boot();
    if (!m.up() && !calm_) bring_back(m, 1'000);
  });
}

void shop::set_back_till() {
  auto& t = *tills_[0];
  world_.tell("owner", "puts the old disk of ", t.name(), " back");
  oracle_.forked(t.till_name());
  t.die(death::power_cut);
  t.storage().restore(*image_);
  bring_back(t, world_.dice.between(100, 4'000));
}

void shop::add_twin() {
  auto& t = *tills_[0];
  world_.tell("owner", "starts a second machine from the copy of ", t.name());
  oracle_.forked(t.till_name());
  std::vector<central_server*> destinations{centrals_[0].get(), centrals_[1].get()};
  tills_.push_back(std::make_unique<till>(world_, rates_, network_, oracle_, t.till_name() + "-twin",
                                          t.till_name(), destinations));
  auto& twin = *tills_.back();
  twin.storage().restore(*image_);
  twin.boot();
  clients_.push_back(std::make_unique<client>(world_, rates_, oracle_, twin, "unix:9001"));
  clients_.back()->open();
}

void shop::set_back_central() {
  auto& c = *centrals_[0];
  world_.tell("owner", "puts the old disk of ", c.name(), " back");
  oracle_.set_back(c.name());
  c.die(death::power_cut);
  c.storage().restore(*image_);
  for (auto& t : tills_) {
    auto held = t->stored_cursor(0);
    if (held && !c.storage().keeps_at_central(t->till_name(), *held)) witnesses_of_a_loss_.push_back(t.get());
  }
  bring_back(c, world_.dice.between(100, 4'000));
}

void shop::calm_down() {
  world_.tell("shop", "closes; from now on nothing goes wrong any more");
  calm_ = true;
  network_.calm();
  for (auto& c : clients_) c->close();
  auto mend = [this](machine& m) {
    auto before = m.storage().faults;
    m.storage().faults = {};
    m.spare();
    // A process on a disk that failed under it says no until somebody starts it again.
    if (before.sync_fails) m.die(death::killed);
    bring_back(m, 100);
  };
  for (auto& c : centrals_) mend(*c);
  for (auto& t : tills_) {
    t->printer().calm();
    mend(*t);
  }
  look_whether_settled(world_.now_ms() + drains_within_ms);
}

void shop::look_whether_settled(std::uint64_t until_ms) {
  world_.after(look_every_ms, [this, until_ms] {
    if (!settled() && world_.now_ms() < until_ms) return look_whether_settled(until_ms);
    judge();
    world_.stop();
  });
}

std::string shop::alarm_at(const till& t, std::size_t destination) {
  auto& standings = centrals_[destination]->machine_state().standings();
  if (auto at = standings.find(t.till_name()); at != standings.end() && at->second.stopped)
    return "quarantine: " + at->second.stopped->reason;
  auto& status = t.status(destination);
  if (status.stopped_for_a_person) return "stopped: " + base::to_string(*status.stopped_for_a_person);
  return "";
}

// Two machines that both run and both reach central cannot go unnoticed for long.
bool shop::twin_goes_unnoticed() {
  if (!rates_.twin_till) return false;
  for (auto& c : centrals_)
    if (!c->machine_state().standing_of(tills_[0]->till_name()).stopped) return true;
  return false;
}

bool shop::settled() {
  for (auto& c : clients_)
    if (!c->content()) return false;
  for (auto& c : centrals_)
    if (!c->up()) return false;
  if (twin_goes_unnoticed()) return false;
  for (auto& t : tills_) {
    if (!t->up()) return false;
    for (std::size_t d = 0; d < centrals_.size(); ++d) {
      auto& status = t->status(d);
      // A till whose server lost its power believes for a while that it has a connection.
      auto held = centrals_[d]->machine_state().standing_of(t->till_name()).head;
      bool drained = status.connected && status.acknowledged == t->head() && held == t->head() &&
                     t->stored_cursor(d) == t->head();
      if (!drained && (!oracle_.is_forked(t->till_name()) || alarm_at(*t, d).empty())) return false;
    }
  }
  return true;
}

void shop::judge() {
  for (auto& c : clients_)
    if (!c->content()) world_.broken("INV-6 every client has an answer", c->what_is_missing());
  for (auto& c : centrals_)
    if (!c->up()) return world_.broken("INV-6 everything comes up again", c->name());
  for (auto& t : tills_)
    if (!t->up()) return world_.broken("INV-6 everything comes up again", t->name());
  if (twin_goes_unnoticed())
    world_.broken("INV-3 a twin is noticed",
                  "two machines are " + tills_[0]->till_name() + " and none is stopped");
  for (auto* t : witnesses_of_a_loss_)
    if (centrals_[0]->machine_state().standing_of(t->till_name()).restored == 0)
      world_.broken("INV-1 what central lost is noted",
                    t->till_name() + " could prove that " + centrals_[0]->name() + " lost records");
  std::vector<std::vector<central::stored_entry>> held;
  for (auto& c : centrals_) {
    held.push_back(c->entries());
    oracle_.judge_central(c->name(), held.back(), c->machine_state().own(), c->machine_state().standings());
  }
  for (auto& t : tills_) {
    auto journal = t->journal();
    oracle_.judge_journal(t->till_name(), journal, true);
    for (std::size_t d = 0; d < centrals_.size(); ++d) {
      auto alarm = alarm_at(*t, d);
      auto& why = t->status(d).last_error;
      auto shown = !alarm.empty() ? alarm : why ? base::to_string(*why) : "no error";
      oracle_.judge_pair(t->till_name(), journal, centrals_[d]->name(), held[d], !alarm.empty(), shown);
      if (alarm.empty() && t->status(d).acknowledged == t->head() && t->stored_cursor(d) != t->head())
        world_.broken("INV-6 what central acknowledged is stored",
                      t->till_name() + " still shows what " + centrals_[d]->name() + " has long had");
    }
  }
}

outcome run_seed(std::uint64_t seed, bool tells) { return shop(seed, tells).run(); }

}  // namespace tilld::sim
