// Lets hostile clients loose on a till, one kind after the other, and prints what an honest neighbour notices
// of it and what it costs in memory.
//
//   tilld-hostile-campaign [--pings N]
//
// Exit code 1 when the neighbour's p99 passes three times its quiet p99 and five milliseconds, twice in a
// row, or when the daemon holds more than 64 MiB beyond what it holds idle.
#include <signal.h>

#include <atomic>
#include <cstdio>
#include <thread>

#include <CLI/CLI.hpp>

#include "tests/hostile/attacks.hpp"
#include "tests/hostile/neighbour.hpp"
#include "tests/support/scratch.hpp"

using namespace tilld;
using namespace tilld::hostile;

namespace {

constexpr std::size_t memory_max = 64 << 20;

struct outcome {
  latency seen;
  std::size_t memory = 0;
};

outcome under(const attack& a, const tests::shop& shop, pid_t daemon, neighbour& honest, std::size_t pings) {
  std::atomic<bool> stop = false;
  std::thread attacker([&] { a.run(shop, stop); });
  outcome o;
  std::vector<std::chrono::microseconds> took;
  std::size_t unanswered = 0;
  // In slices, so that the memory is looked at meanwhile.
  for (std::size_t slice = 0; slice < 20; ++slice) {
    unanswered += honest.ping(pings / 20, took);
    o.memory = std::max(o.memory, resident_octets(daemon));
  }
  o.seen = figures_of(std::move(took), unanswered);
  stop = true;
  attacker.join();
  return o;
}

void busy_elsewhere(const tests::shop&, const std::atomic<bool>& stop) {
  volatile std::uint64_t number = 1;
  while (!stop)
    for (int i = 0; i < 1000; ++i) number = number * 6364136223846793005u + 1;
}

int run(std::size_t pings) {
  tests::scratch_folder folder;
  tests::shop shop(folder.path());
  shop.tcp_port = tests::free_port();
  shop.http_port = tests::free_port();
  shop.plugins_yaml = "  - {name: devices, plugin: simulated}\n";
  shop.start_till();
  auto daemon = shop.till().id();
  neighbour honest(shop.socket());
  (void)honest.ping(200);
  auto idle = resident_octets(daemon);
  auto undisturbed = honest.ping(pings);
  std::printf("%-36s %s  %4zu MiB\n", "quiet", text(undisturbed).c_str(), idle >> 20);
  // An attacker takes a processor of this machine; that is not the till's doing. So what counts as quiet is a
  // till that nobody attacks on a machine where somebody is as busy.
  auto quiet = under({"somebody busy elsewhere", busy_elsewhere}, shop, daemon, honest, pings).seen;
  std::printf("%-36s %s\n", "somebody busy elsewhere", text(quiet).c_str());
  bool good = true;
  for (auto& a : attacks()) {
    auto o = under(a, shop, daemon, honest, pings);
    for (int again = 0; again < 2 && !unharmed(quiet, o.seen); ++again) {
      std::printf("%-36s %s  once more\n", a.name.c_str(), text(o.seen).c_str());
      o = under(a, shop, daemon, honest, pings);
    }
    auto more = o.memory > idle ? o.memory - idle : 0;
    bool fine = unharmed(quiet, o.seen), small = more < memory_max;
    std::printf("%-36s %s %+5zd MiB%s%s\n", a.name.c_str(), text(o.seen).c_str(),
                static_cast<ssize_t>(more >> 20), fine ? "" : "  ! slower than the bar",
                small ? "" : "  ! more memory than the bar");
    std::fflush(stdout);
    good = good && fine && small;
  }
  if (!shop.till().running()) good = false;
  shop.stop_till();
  return good ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  ::signal(SIGPIPE, SIG_IGN);
  CLI::App app("Abuses a till's socket and prints what an honest neighbour notices.");
  std::size_t pings = 2000;
  app.add_option("--pings", pings, "How often the neighbour pings under each attack")->capture_default_str();
  CLI11_PARSE(app, argc, argv);
  return run(pings);
}
