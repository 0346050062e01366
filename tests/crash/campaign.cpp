// Kills the till's daemon, its central server and its plugins again and again while clients sell and print,
// and then holds everything against what the clients themselves know.
//
//   tilld-crash-campaign [--rounds N] [--seed S] [--folder DIR]
//
// Exit code 0 when nothing acknowledged is lost, nothing is doubled and the chains verify; 1 when not; 2 when
// the campaign itself could not go on. With --expect lost|doubled it is 0 when that was found: for daemons
// that were broken on purpose.
#include <signal.h>

#include <chrono>
#include <cstdio>
#include <filesystem>

#include <CLI/CLI.hpp>

#include "tests/crash/audit.hpp"
#include "tests/crash/clients.hpp"
#include "tests/crash/kill_plan.hpp"
#include "tests/support/scratch.hpp"
#include "tests/support/shop.hpp"

namespace {

using namespace tilld;
using namespace tilld::crash;
using std::chrono::milliseconds;
using std::chrono::steady_clock;
using tests::give_up;

struct settings {
  std::size_t rounds = 25;
  std::uint64_t seed = 0;
  std::string folder;
  std::string till_program = tests::program_path("tilld");
  std::string central_program = tests::program_path("till-central");
  std::string expect;
};

constexpr auto start_wait = milliseconds(20'000);

class campaign {
 public:
  campaign(const settings& how, std::string folder)
      : how_(how),
        random_(how.seed),
        shop_(folder),
        record_(folder + "/own-record.ndjson"),
        plan_(random_),
        tills_(record_, shop_.socket(), random_) {
    shop_.plugins_yaml = "  - {name: devices, plugin: simulated}\n";
    shop_.add_central("ledger");
    shop_.start_central("ledger");
    shop_.start_till();  // writes the configuration; from here on this campaign starts the programs itself
    shop_.stop_till();
    start_till();
  }

  void round() {
    auto k = plan_.next();
    switch (k.who) {
      case victim::till: return kill_till(k);
      case victim::central: return kill_central(k);
      case victim::plugin: return kill_plugin();
    }
  }

  findings finish() {
    shop_.till_steps().forget();
    shop_.get_central("ledger").steps->forget();
    wake_plugin();
    if (!tills_.finish(milliseconds(60'000)))
      give_up("not every call was answered within a minute after the last kill");
    bool drained = shop_.wait_drained("ledger", milliseconds(how_.expect.empty() ? 60'000 : 5'000));
    auto found = audit(record_, shop_, how_.central_program);
    // Only now, since a repetition would put a lost sale back.
    if (!tills_.repeat_all(milliseconds(120'000)))
      give_up("not every repeated call was answered within two minutes");
    audit_repetition(record_, shop_, found);
    if (!drained) {
      ++found.differing;
      found.words.push_back("central did not get everything");
    }
    return found;
  }

  const own_record& record() const { return record_; }
  const kill_plan& plan() const { return plan_; }
  const clients& tills() const { return tills_; }

 private:
  // With a program that is broken on purpose central may have stopped the till long ago; no use in waiting
  // for its steps.
  milliseconds reach_wait() const { return milliseconds(how_.expect.empty() ? 4'000 : 400); }

  void start_till() {
    tests::process::how how;
    how.arguments = {"--config", shop_.config_file(), "--allow-test-environment", "--plugin-host",
                     tests::program_path("tilld-plugin-host")};
    how.environment = {shop_.till_steps().variable()};
    how.log = shop_.till_log();
    shop_.till() = tests::process(how_.till_program, how);
  }

  void start_central() {
    auto& c = shop_.get_central("ledger");
    tests::process::how how;
    how.arguments = {"--config", c.folder + "/central.yaml", "--allow-test-environment"};
    how.environment = {c.steps->variable()};
    how.log = c.folder + "/central.log";
    c.running = tests::process(how_.central_program, how);
  }

  // Lets the tills work until the program stopped itself at the step; false when it never came there.
  bool work_until_stopped(tests::step_file& steps, tests::process& program, const planned_kill& k) {
    auto before = steps.stops();
    steps.stop_at(*k.at, k.passes);
    auto stopped = [&] { return steps.stops() != before; };
    if (!tills_.run(stopped, reach_wait())) {
      steps.forget();
      if (!stopped()) return false;
    }
    if (!program.wait_stopped(milliseconds(5'000)))
      give_up(std::string(name(k.who)) + " ended before it was killed");
    return true;
  }

  void kill_till(const planned_kill& k) {
    auto& steps = shop_.till_steps();
    if (k.while_starting) {
      shop_.till().kill();
      note_till("any instant", false, tills_.daemon_died());
      steps.stop_at(*k.at, k.passes);
      auto before = steps.stops();
      start_till();
      auto stopped = [&] { return steps.stops() != before; };
      if (!tills_.run(stopped, reach_wait())) {
        steps.forget();
        if (!stopped()) return;
      }
      if (!shop_.till().wait_stopped(milliseconds(5'000))) give_up("tilld ended while it started");
      shop_.till().kill();
      note_till(std::string(base::name(*k.at)), true, tills_.daemon_died());
      start_till();
      return settle();
    }
    std::string where = "any instant";
    if (k.at && work_until_stopped(steps, shop_.till(), k))
      where = base::name(*k.at);
    else if (!k.at)
      tills_.run([] { return false; }, milliseconds(k.instant_ms));
    shop_.till().kill();
    note_till(where, false, tills_.daemon_died());
    start_till();
    settle();
  }

  void note_till(const std::string& where, bool while_starting, std::size_t unanswered) {
    record_.killed("tilld at " + where);
    plan_.landed(victim::till, where, while_starting, unanswered);
  }

  void kill_central(const planned_kill& k) {
    auto& c = shop_.get_central("ledger");
    std::string where = "any instant";
    if (k.at && work_until_stopped(*c.steps, c.running, k))
      where = base::name(*k.at);
    else if (!k.at)
      tills_.run([] { return false; }, milliseconds(k.instant_ms));
    // What waits at the till was sent or is about to be: central's answer to it is what is lost.
    auto open = waiting_records();
    c.running.kill();
    record_.killed("till-central at " + where);
    plan_.landed(victim::central, where, false, open);
    start_central();
    settle();
  }

  void kill_plugin() {
    tills_.run([] { return false; }, milliseconds(30));
    auto admin = shop_.connect(true);
    auto list = admin.call("plugin.list");
    if (!list) give_up("plugin.list was not answered");
    auto& devices = list->at("result").at("plugins").as_array().at(0).as_object();
    auto* pid = devices.if_contains("pid");
    if (!pid) return;  // just being started again
    ::kill(static_cast<pid_t>(pid->to_number<std::int64_t>()), SIGKILL);
    record_.killed("plugin host");
    plan_.landed(victim::plugin, "any instant", false, tills_.in_hand());
    wake_plugin();
    settle();
  }

  // Forgets the plugin's deaths, as a person does who knows why it died.
  void wake_plugin() {
    auto admin = shop_.connect(true);
    if (!admin.call("plugin.restart", {{"name", "devices"}})) give_up("plugin.restart was not answered");
  }

  std::size_t waiting_records() {
    auto admin = shop_.connect(true);
    auto status = admin.call("queue.status");
    if (!status) give_up("queue.status was not answered");
    auto& first = status->at("result").at("destinations").as_array().at(0);
    return first.at("waiting").at("records").to_number<std::size_t>();
  }

  // The next kill comes when the shop sells again, so that each finds work in hand.
  void settle() {
    auto answers = [this, before = record_.answers()] { return record_.answers() >= before + 4; };
    if (!tills_.run(answers, start_wait))
      give_up("the shop does not sell again after a kill; see " + shop_.till_log());
  }

  const settings& how_;
  std::mt19937_64 random_;
  tests::shop shop_;
  own_record record_;
  kill_plan plan_;
  clients tills_;
};

int run(const settings& how) {
  std::optional<tests::scratch_folder> scratch;
  std::string folder = how.folder;
  if (folder.empty()) folder = scratch.emplace().path();
  auto began = steady_clock::now();
  std::printf("Crash campaign: %zu rounds, seed %llu\n", how.rounds,
              static_cast<unsigned long long>(how.seed));
  std::fflush(stdout);
  campaign c(how, folder);
  for (std::size_t i = 0; i < how.rounds; ++i) c.round();
  auto found = c.finish();
  auto seconds = std::chrono::duration<double>(steady_clock::now() - began).count();

  c.plan().print();
  auto kills = c.plan().kills(), open = c.plan().with_unanswered();
  std::printf("\n  %zu kills, %zu of them while something was unanswered; %zu calls repeated\n", kills, open,
              c.record().repeats());
  std::printf("  %zu sales acknowledged, %zu recorded, %zu prints acknowledged, %zu records in the chain\n",
              found.acknowledged, found.sales, found.prints, found.records);
  for (auto& [kind, count] : c.tills().refusals())
    std::printf("  %zu prints first answered with %s\n", count, kind.c_str());
  std::printf(
      "  lost %zu, doubled %zu, foreign %zu, wrong %zu, different at central %zu, chains broken %zu; %.1f "
      "s\n",
      found.lost, found.doubled, found.foreign, found.wrong, found.differing, found.unverified, seconds);
  for (auto& why : found.words) std::printf("  ! %s\n", why.c_str());
  if (!how.expect.empty()) {
    auto caught = how.expect == "lost" ? found.lost : found.doubled;
    std::printf("  The fault that was planted was %s.\n", caught > 0 ? "caught" : "NOT caught");
    return caught > 0 ? 0 : 1;
  }
  bool enough = 2 * open >= kills;
  if (!enough) std::printf("  ! fewer than half of the kills landed while something was unanswered\n");
  if (how.rounds >= 200)
    for (auto& step : c.plan().never_hit()) {
      std::printf("  ! nothing was ever killed at %s\n", step.c_str());
      enough = false;
    }
  return found.all() == 0 && enough ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Kills a till and its central server while clients sell, and counts what is lost or doubled.");
  settings how;
  how.seed =
      static_cast<std::uint64_t>(std::chrono::system_clock::now().time_since_epoch().count()) % 1'000'000;
  app.add_option("--rounds", how.rounds, "How many kills")->capture_default_str();
  app.add_option("--seed", how.seed, "Where and when the kills land; random when left out");
  app.add_option("--folder", how.folder, "Where everything is kept; a folder that goes away when left out");
  app.add_option("--till-program", how.till_program, "Another tilld");
  app.add_option("--central-program", how.central_program, "Another till-central");
  app.add_option("--expect", how.expect, "The program is broken on purpose: fail when this is not found")
      ->check(CLI::IsMember({"lost", "doubled"}));
  CLI11_PARSE(app, argc, argv);
  return run(how);
}
