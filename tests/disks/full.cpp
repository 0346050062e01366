// Fills and frees the small disk of a till again and again, from another process, while it sells and while
// central is away for a time.
//
//   tilld-full-campaign [--rounds N] [--seed S]
//
// In each cycle the disk is filled, to the last octet or only below what is to be kept free; sales are
// refused with storage_full and status says so; what is stored drains while the disk is still full; and when
// it is freed the till sells again by itself. At the end central has exactly what the till has. Exit codes as
// of tilld-power-campaign.
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <filesystem>
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

constexpr auto wait_max = milliseconds(30'000);

// A small file system in memory for a folder.
class small_disk {
 public:
  small_disk(std::string folder, std::size_t mebibytes) : folder_(std::move(folder)) {
    std::filesystem::create_directories(folder_);
    auto how = "size=" + std::to_string(mebibytes) + "m,mode=0700";
    mounted_ = ::mount("tilld-test", folder_.c_str(), "tmpfs", 0, how.c_str()) == 0;
  }
  ~small_disk() {
    if (mounted_) ::umount2(folder_.c_str(), MNT_DETACH);
  }
  bool mounted() const { return mounted_; }

  // Another process takes room until only so many octets are left.
  void fill(std::uint64_t leave) {
    auto child = ::fork();
    if (child == 0) {
      int fd = ::open(filler().c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
      static char much[1 << 16];
      for (std::size_t size = sizeof much; size > 0;) {
        struct statvfs fs {};
        ::statvfs(folder_.c_str(), &fs);
        if (fs.f_bavail * fs.f_frsize <= leave) break;
        if (::write(fd, much, size) <= 0) size /= 2;
      }
      ::_exit(0);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
  }
  void free() { ::unlink(filler().c_str()); }

 private:
  std::string filler() const { return folder_ + "/filler"; }
  std::string folder_;
  bool mounted_ = false;
};

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Fills and frees the disk of a till while it sells.");
  std::size_t rounds = 5;
  std::uint64_t seed = static_cast<std::uint64_t>(steady_clock::now().time_since_epoch().count()) % 1'000'000;
  app.add_option("--rounds", rounds, "How many times the disk is filled and freed")->capture_default_str();
  app.add_option("--seed", seed, "How full and how long; random when left out");
  CLI11_PARSE(app, argc, argv);
  tests::scratch_folder folder;
  // What is sold stays on it: some mebibytes a round.
  small_disk disk(folder.path() + "/state", 64 + 6 * rounds);
  if (!disk.mounted()) {
    std::printf("Full campaign: skipped, only root can mount a small disk\n");
    return exit_skipped;
  }
  std::printf("Full campaign: %zu rounds, seed %llu\n", rounds, static_cast<unsigned long long>(seed));
  std::fflush(stdout);

  auto began = steady_clock::now();
  std::mt19937_64 random(seed);
  teller tills(seed);
  findings found;
  std::size_t low = 0, full = 0;
  tests::shop shop(folder.path());
  shop.more_yaml = "storage: {keep_free_mib: 16}\n";
  auto& central = shop.add_central("ledger");
  shop.start_central("ledger");
  shop.start_till();
  tills.open(shop);
  auto ask = shop.connect();
  auto status = [&] {
    auto answer = ask.call("system.status");
    if (!answer) tests::give_up("system.status was not answered");
    return answer->at("result").as_object();
  };
  auto sell_for = [&](int ms) {
    auto until = steady_clock::now() + milliseconds(ms);
    tills.sell([&] { return steady_clock::now() >= until; }, wait_max);
  };
  auto refused = [&] {
    auto at = tills.refusals().find("storage_full");
    return at == tills.refusals().end() ? std::size_t(0) : at->second;
  };
  for (std::size_t round = 0; round < rounds; ++round) {
    bool central_is_away = random() % 2 == 0;
    if (central_is_away) central.running.kill();
    sell_for(100 + static_cast<int>(random() % 200));
    disk.fill(random() % 2 ? 0 : std::uint64_t(6 + random() % 8) << 20);
    auto before = refused();
    if (!tills.sell([&] { return refused() > before; }, wait_max))
      found.complain(found.wrong, "sales go on although the disk is full");
    sell_for(50);
    auto now = status();
    auto state = std::string(now.at("storage").at("state").as_string());
    low += state == "low";
    full += state == "full";
    if (state != "low" && state != "full") found.complain(found.wrong, "a full disk is shown as " + state);
    if (now.at("queue").at("refused_next").as_array().empty())
      found.complain(found.wrong, "status does not say that sales are refused");
    if (central_is_away) shop.start_central("ledger");
    if (!shop.wait_drained("ledger", wait_max)) found.complain(found.wrong, "a full disk does not drain");
    disk.free();
    auto answered = tills.answered();
    if (!tills.sell([&] { return tills.answered() > answered; }, wait_max))
      found.complain(found.wrong, "the till does not sell again when there is room");
  }
  if (!tills.finish(milliseconds(60'000))) tests::give_up("not every sale was answered within a minute");
  if (!shop.wait_drained("ledger", wait_max)) found.complain(found.wrong, "central did not get everything");
  tills.close();
  tills.audit(shop, found);
  std::size_t drained = 0;
  for (auto& r : shop.records_at("ledger")) drained += r.at("kind").as_string() == "sale";
  if (drained != found.recorded)
    found.complain(found.lost, std::to_string(found.recorded) + " sales are stored, and " +
                                   std::to_string(drained) + " were drained");
  shop.till().kill();
  std::printf("  %zu times low, %zu times full; %zu sales refused; %zu drained\n", low, full, refused(),
              drained);
  auto seconds = std::chrono::duration<double>(steady_clock::now() - began).count();
  return print_findings("full", rounds, seconds, found, "");
}
