// Takes the network away between a till and its two central servers, again and again and in every way, while
// the till sells, and then holds both servers against what the till's client was told.
//
//   tilld-network-campaign [--rounds N] [--seed S] [--speed N] [--longest-s N] [--folder DIR]
//
// All of it happens in a network namespace of its own. The till's clock runs --speed times as fast as ours,
// so that ten minutes without a network pass in seconds (fast_clock.c). Exit code 0 when nothing acknowledged
// is lost, nothing is doubled and both chains verify; 1 when not; 2 when the campaign could not go on; 77
// where no namespace is to be had.
#include <chrono>
#include <cstdio>
#include <map>

#include <CLI/CLI.hpp>
#include <boost/json.hpp>

#include "tests/network/name_space.hpp"
#include "tests/network/partition.hpp"
#include "tests/support/scratch.hpp"
#include "tests/support/shop.hpp"
#include "wire/base64.hpp"

namespace {

using namespace tilld;
using namespace tilld::network;
namespace json = boost::json;
using std::chrono::milliseconds;
using std::chrono::steady_clock;
using tests::give_up;

constexpr int exit_skipped = 77;
const char* const names[] = {"ledger", "witness-1"};

struct settings {
  std::size_t rounds = 20;
  std::uint64_t seed = 1;
  unsigned speed = 60;
  double longest_s = 120;
  std::string folder;
};

// A till's client that sells one sale after the other and remembers what it was told.
class seller {
 public:
  explicit seller(tests::line_client line) : line_(std::move(line)) {}

  void sell() {
    auto key = "sale-" + std::to_string(++sold_);
    auto minor = static_cast<std::int64_t>(100 + sold_ % 900);
    json::object total{{"minor", minor}, {"currency", "EUR"}};
    auto answer = line_.call("sale.record", {{"idempotency_key", key}, {"total", std::move(total)}});
    auto* result = answer ? answer->if_contains("result") : nullptr;
    // A sale needs nothing but the till itself.
    if (!result)
      give_up("sale " + key + " was not taken: " + (answer ? json::serialize(*answer) : "no answer"));
    acknowledged_[key] = std::string(result->at("hash").as_string());
  }
  // By key, with the hash of the record.
  const std::map<std::string, std::string>& acknowledged() const { return acknowledged_; }

 private:
  tests::line_client line_;
  std::uint64_t sold_ = 0;
  std::map<std::string, std::string> acknowledged_;
};

struct findings {
  std::size_t lost = 0, doubled = 0, foreign = 0, unverified = 0, stuck = 0;
  std::size_t all() const { return lost + doubled + foreign + unverified + stuck; }
};

class campaign {
 public:
  campaign(const settings& how, const std::string& folder) : how_(how), random_(how.seed), shop_(folder) {
    shop_.add_central(names[0], "ledger");
    shop_.add_central(names[1], "witness");
    for (auto* name : names) shop_.start_central(name);
    shop_.till_environment = tests::preloading(TILLD_CLOCK_LIBRARY);
    shop_.till_environment.push_back("TILLD_TEST_SPEED=" + std::to_string(how.speed));
    shop_.start_till();
    seller_ = std::make_unique<seller>(shop_.connect());
    seller_->sell();
    if (!drained()) give_up("the servers do not get the first sale over a whole network");
  }

  void round() {
    auto faults = draw_faults(random_, std::size(names));
    std::vector<road> roads;
    for (std::size_t i = 0; i < faults.size(); ++i) {
      roads.push_back({shop_.get_central(names[i]).sync_port, faults[i]});
      ++counts_[faults[i]];
    }
    auto seconds = draw_seconds(random_, how_.longest_s);
    set_rules(rules_of(roads));
    auto until = steady_clock::now() + std::chrono::duration<double>(seconds / how_.speed);
    do seller_->sell();
    while (steady_clock::now() < until);
    set_rules("");
    seller_->sell();
    partition_s_ += seconds;
    longest_s_ = std::max(longest_s_, seconds);
    auto healed = steady_clock::now();
    if (!drained()) {
      ++found_.stuck;
      std::printf("the servers did not get everything within half a minute after %.0f s of %s and %s\n",
                  seconds, std::string(name(faults[0])).c_str(), std::string(name(faults[1])).c_str());
    }
    auto took = std::chrono::duration<double>(steady_clock::now() - healed).count();
    recovery_s_max_ = std::max(recovery_s_max_, took);
  }

  findings finish() {
    for (auto* name : names) audit(name);
    return found_;
  }

  void print(double took) const {
    std::printf(
        "%zu partitions of %.0f s at most, %.0f s together by the till's clock (%u times ours); seed %llu, "
        "%.0f s\n",
        how_.rounds, longest_s_, partition_s_, how_.speed, static_cast<unsigned long long>(how_.seed), took);
    for (auto& [what, count] : counts_) std::printf("  %-10s %6zu\n", std::string(name(what)).c_str(), count);
    std::printf(
        "%zu sales acknowledged; all of them at both servers at most %.1f s after the network was whole\n",
        seller_->acknowledged().size(), recovery_s_max_);
    std::printf("lost %zu, doubled %zu, foreign %zu, unverified %zu, stuck %zu\n", found_.lost,
                found_.doubled, found_.foreign, found_.unverified, found_.stuck);
  }

 private:
  bool drained() {
    for (auto* name : names)
      if (!shop_.wait_drained(name, milliseconds(30'000))) return false;
    return true;
  }

  void audit(const char* central) {
    std::map<std::string, std::size_t> seen;
    for (auto& r : shop_.records_at(central)) {
      if (r.at("kind").as_string() != "sale") continue;
      auto key = std::string(r.at("body").at("sale").at("idempotency_key").as_string());
      if (++seen[key] > 1) ++found_.doubled;
      auto told = seller_->acknowledged().find(key);
      if (told == seller_->acknowledged().end() || told->second != r.at("hash").as_string()) ++found_.foreign;
    }
    for (auto& [key, hash] : seller_->acknowledged()) found_.lost += seen.count(key) == 0;
    auto verified = shop_.get(central, "/v1/verify");
    if (!verified || !verified->at("good").as_bool()) ++found_.unverified;
    auto till = shop_.get(central, "/v1/tills/till-1/head");
    if (!till || !till->at("quarantine").is_null()) ++found_.unverified;
  }

  settings how_;
  std::mt19937_64 random_;
  tests::shop shop_;
  std::unique_ptr<seller> seller_;
  std::map<fault, std::size_t> counts_;
  double partition_s_ = 0, longest_s_ = 0, recovery_s_max_ = 0;
  findings found_;
};

}  // namespace

int main(int argc, char** argv) {
  settings how;
  CLI::App app("Takes the network away between a till and two central servers");
  app.add_option("--rounds", how.rounds, "Partitions")->capture_default_str();
  app.add_option("--seed", how.seed, "Of what is drawn")->capture_default_str();
  app.add_option("--speed", how.speed, "How many times as fast the till's clock runs")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  app.add_option("--longest-s", how.longest_s, "Longest partition in seconds of the till's clock")
      ->check(CLI::Range(2, 3600))
      ->capture_default_str();
  app.add_option("--folder", how.folder, "Keep everything here");
  CLI11_PARSE(app, argc, argv);
  if (auto why = enter_own_network()) {
    std::printf("skipped: %s\n", why->c_str());
    return exit_skipped;
  }
  auto begun = steady_clock::now();
  std::unique_ptr<tests::scratch_folder> scratch;
  if (how.folder.empty()) {
    scratch = std::make_unique<tests::scratch_folder>();
    how.folder = scratch->path();
  }
  campaign c(how, how.folder);
  for (std::size_t i = 0; i < how.rounds; ++i) c.round();
  auto found = c.finish();
  c.print(std::chrono::duration<double>(steady_clock::now() - begun).count());
  return found.all() == 0 ? 0 : 1;
}
