// Cuts the power of a till's disk again and again while it sells, and looks what the disk holds then.
//
//   tilld-power-campaign [--rounds N] [--seed S] [--till-program FILE] [--expect lost]
//
// Each round: sell for a while, cut the power (EXT4_IOC_SHUTDOWN, nothing is flushed any more), kill the
// till, mount again, start, and ask again for what was answered. Only answers that were read before the cut
// count. Every 100 rounds, and at the end, the whole journal is held against what was told, and the next one
// begins on an empty disk.
//
// Exit code 0 when nothing is lost, doubled or wrong, 1 when something is, 2 when it could not go on, 77
// where there are no loop devices or no root. With --expect lost it is 0 when something was lost: for a till
// that is broken on purpose.
#include <chrono>
#include <cstdio>
#include <random>

#include <CLI/CLI.hpp>

#include "tests/disks/real_disk.hpp"
#include "tests/disks/teller.hpp"
#include "tests/support/scratch.hpp"

using namespace tilld;
using namespace tilld::disks;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

namespace {

constexpr std::size_t rounds_of_a_journal = 100;
constexpr int disk_size_mib = 96;
constexpr std::size_t asked_again_max = 40;  // a round; the rest is looked at when the journal ends

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Cuts the power of a till's disk while it sells.");
  std::size_t rounds = 20;
  std::uint64_t seed = static_cast<std::uint64_t>(steady_clock::now().time_since_epoch().count()) % 1'000'000;
  std::string expect, till_program = tests::program_path("tilld");
  app.add_option("--rounds", rounds, "How many cuts")->capture_default_str();
  app.add_option("--seed", seed, "When they come; random when left out");
  app.add_option("--till-program", till_program, "Another tilld");
  app.add_option("--expect", expect, "The till is broken on purpose")->check(CLI::IsMember({"lost"}));
  CLI11_PARSE(app, argc, argv);
  if (auto why = real_disk::missing(); !why.empty()) {
    std::printf("Power campaign: skipped, %s\n", why.c_str());
    return exit_skipped;
  }
  std::printf("Power campaign: %zu rounds, seed %llu\n", rounds, static_cast<unsigned long long>(seed));
  std::fflush(stdout);

  auto began = steady_clock::now();
  tests::scratch_folder folder;
  std::mt19937_64 random(seed);
  teller tills(seed);
  findings found;
  real_disk disk(folder.file("disk.img"), folder.path() + "/state");
  tests::shop shop(folder.path());
  shop.till_program = till_program;
  shop.more_yaml = "storage: {keep_free_mib: 0}\n";
  bool runs = false;
  for (std::size_t round = 0; round < rounds; ++round) {
    if (round % rounds_of_a_journal == 0) {
      if (runs) {
        tills.audit(shop, found);
        shop.till().kill();
      }
      tills.begin_anew();
      disk.make(disk_size_mib);
      disk.mount();
      shop.start_till();
      runs = true;
    }
    tills.open(shop);
    auto instant = steady_clock::now() + milliseconds(5) + std::chrono::microseconds(random() % 150'000);
    auto before = tills.sales().size();
    tills.sell([&] { return steady_clock::now() >= instant; }, milliseconds(20'000));
    disk.cut_power();
    tills.close();
    shop.till().kill();
    if (!disk.unmount()) tests::give_up("the disk is still in use after the till died");
    disk.mount();
    shop.start_till();
    auto fresh = tills.sales().size() - before;
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
  return print_findings("power", rounds, seconds, found, expect);
}
