// Fails flushes and writes under a till that sells, once, some times and for ever, then cuts the power as a
// machine does that has forgotten what it could not write, and looks what is there.
//
//   tilld-fsync-campaign [--rounds N] [--seed S] [--till-program FILE] [--expect lost]
//
// A till whose flush failed once goes on in a fresh file and nobody hears of it; one whose disk fails for
// ever refuses sales with storage_failed and acknowledges nothing. Exit codes as of tilld-power-campaign.
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <random>

#include <CLI/CLI.hpp>

#include "tests/disks/disk_on_order.hpp"
#include "tests/disks/teller.hpp"
#include "tests/support/scratch.hpp"

using namespace tilld;
using namespace tilld::disks;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

namespace json = boost::json;

namespace {

constexpr std::size_t rounds_of_a_journal = 100;
constexpr std::size_t asked_again_max = 40;

disk_on_order::order draw_order(std::mt19937_64& random) {
  disk_on_order::order o;
  o.write = random() % 3 == 0;
  o.in = static_cast<std::uint32_t>(1 + random() % 12);
  constexpr std::uint32_t times[] = {1, 1, 1, 1, 2, 3, 5, UINT32_MAX};
  o.times = times[random() % std::size(times)];
  o.error_number = !o.write || random() % 2 ? EIO : ENOSPC;
  return o;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Fails the flushes of a till's disk while it sells.");
  std::size_t rounds = 20;
  std::uint64_t seed = static_cast<std::uint64_t>(steady_clock::now().time_since_epoch().count()) % 1'000'000;
  std::string expect, till_program = tests::program_path("tilld");
  app.add_option("--rounds", rounds, "How many faults")->capture_default_str();
  app.add_option("--seed", seed, "Which and when; random when left out");
  app.add_option("--till-program", till_program, "Another tilld");
  app.add_option("--expect", expect, "The till is broken on purpose")->check(CLI::IsMember({"lost"}));
  CLI11_PARSE(app, argc, argv);
  std::printf("Fsync campaign: %zu rounds, seed %llu\n", rounds, static_cast<unsigned long long>(seed));
  std::fflush(stdout);

  auto began = steady_clock::now();
  tests::scratch_folder folder;
  std::mt19937_64 random(seed);
  teller tills(seed);
  findings found;
  disk_on_order disk(folder.file("disk"));
  tests::shop shop(folder.path());
  shop.till_program = till_program;
  shop.till_environment = disk.environment();
  std::size_t met = 0, went_on = 0, stopped = 0;
  std::uint64_t taken = 0;
  bool runs = false;
  for (std::size_t round = 0; round < rounds; ++round) {
    if (round % rounds_of_a_journal == 0) {
      if (runs) {
        tills.audit(shop, found);
        shop.till().kill();
        disk.heal();
      }
      tills.begin_anew();
      std::filesystem::remove_all(shop.state_folder());
      shop.start_till();
      runs = true;
    }
    tills.open(shop);
    auto before = disk.failed();
    auto first = tills.sales().size();
    // The first fault is always the plain one, so that no run goes by without any.
    auto order = draw_order(random);
    if (round == 0) order = {.write = false, .in = 1, .times = 1, .error_number = EIO};
    disk.fail(order);
    auto until = steady_clock::now() + milliseconds(20 + random() % 200);
    tills.sell([&] { return steady_clock::now() >= until; }, milliseconds(20'000));
    json::object storage;
    // A copy that was begun is waited for, since what came of it is what is counted.
    do {
      auto status = shop.connect(true).call("system.status");
      if (!status) tests::give_up("system.status was not answered");
      storage = status->at("result").at("storage").as_object();
    } while (storage.at("state").as_string() == "copying" &&
             steady_clock::now() < until + milliseconds(30'000));
    if (disk.failed() > before) {
      ++met;
      went_on += storage.at("fresh_copies").to_number<std::uint64_t>() > 0;
      stopped += storage.at("state").as_string() == "failed";
    }
    // Now and then only the process dies, and the next one finds the memory of the same kernel.
    shop.till().kill();
    tills.close();
    disk.heal();
    if (random() % 4 != 0) taken += disk.cut_power(shop.state_folder(), random);
    shop.start_till();
    auto fresh = tills.sales().size() - first;
    if (!tills.ask_again(shop, std::min(fresh + 8, asked_again_max), found))
      tests::give_up("a sale that was answered is not answered again");
    if (!expect.empty() && found.lost > 0) break;
  }
  tills.open(shop);
  if (!tills.finish(milliseconds(60'000))) tests::give_up("not every sale was answered within a minute");
  tills.close();
  tills.audit(shop, found);
  shop.till().kill();
  auto seconds = std::chrono::duration<double>(steady_clock::now() - began).count();
  std::printf(
      "  %zu faults met; %zu times the journal went on in a fresh file, %zu times nothing was stored any "
      "more; %llu octets of failed flushes taken away\n",
      met, went_on, stopped, static_cast<unsigned long long>(taken));
  for (auto& [kind, count] : tills.refusals())
    std::printf("  %zu sales first refused with %s\n", count, kind.c_str());
  if (expect.empty() && (met == 0 || went_on == 0)) {
    std::printf("  ! no flush failed\n");
    return 1;
  }
  return print_findings("fsync", rounds, seconds, found, expect);
}
