// (c) and (e) Records that waited go to central: how quickly, and what a sale notices meanwhile. Central runs
// on the other core, once on tmpfs, as if it had a disk of its own, and once on the till's disk.
#include "tests/bench/load.hpp"
#include "tests/bench/machine.hpp"
#include "tests/bench/programs.hpp"
#include "tests/bench/settings.hpp"

namespace tilld::bench {

namespace {

constexpr double drain_wait_s = 120;

// One sale after the other, with a look at the queue now and then.
class seller {
 public:
  explicit seller(const tests::shop& till) : client_(till.connect()) {}

  double sell() {
    auto params = boost::json::parse(sale_params("drain", next_++)).as_object();
    auto began = seconds_now();
    auto answer = client_.call("sale.record", params);
    auto took = (seconds_now() - began) * 1e6;
    if (!answer || !answer->contains("result")) tests::give_up("a sale was not recorded while records drain");
    return took;
  }

  std::uint64_t waiting() {
    auto status = client_.call("queue.status");
    if (!status || !status->contains("result")) tests::give_up("no queue.status");
    return status->at("result")
        .at("destinations")
        .at(0)
        .at("waiting")
        .at("records")
        .to_number<std::uint64_t>();
  }

 private:
  tests::line_client client_;
  std::uint64_t next_ = 0;
};

void drain_once(const settings& how, const std::string& central_folder, const std::string& name, figures& f) {
  clean_folder folder(how.folder + "/drain");
  clean_folder far(central_folder);
  stay_on_core(1);
  tests::shop shop(folder.path());
  auto& central = shop.add_central("ledger");
  central.folder = far.path();
  // The till makes its key at its first start.
  shop.start_till();
  {
    load_plan fill;
    fill.socket = shop.socket();
    fill.connections = 16;
    fill.in_flight = 32;
    fill.seconds = how.seconds;
    fill.good = "\"record_id\":";
    fill.ask = [](std::string& out, int connection, std::uint64_t number) {
      append_sale(out, "f" + std::to_string(connection), number);
    };
    stay_on_core(0);
    f[name + " fill"] = run_load(fill).per_second();
  }
  stay_on_core(1);
  shop.stop_till();
  fill_journal(shop.state_folder(), how.drained);
  shop.start_till();

  // Undisturbed, with the records waiting, and then while they drain: by one seller who never rests.
  seller till(shop);
  std::vector<double> before, during;
  for (auto until = seconds_now() + how.seconds; seconds_now() < until;) before.push_back(till.sell());
  auto count = till.waiting();
  stay_on_core(0);
  shop.start_central("ledger");
  stay_on_core(1);
  auto give_up_at = seconds_now() + drain_wait_s;
  double first_s = 0, last_s = 0, looked_s = 0;
  std::uint64_t at_first = 0, left = count, sold_since = 0;
  while (left > 64) {
    auto took = till.sell();
    ++sold_since;
    if (first_s > 0) during.push_back(took);
    if (seconds_now() - looked_s < 0.01) continue;
    looked_s = seconds_now();
    if (looked_s > give_up_at) tests::give_up("central does not take the records that wait");
    left = till.waiting();
    if (first_s == 0 && left < count + sold_since) {
      first_s = looked_s;
      at_first = left;
      sold_since = 0;
    }
    last_s = looked_s;
  }
  stay_anywhere();
  auto drained = static_cast<double>(at_first + sold_since - left);
  f[name + " selling drain"] = drained / std::max(0.001, last_s - first_s);
  f[name + " p50"] = percentile_us(before, 0.5);
  f[name + " p99"] = percentile_us(before, 0.99);
  f[name + " p50 draining"] = percentile_us(during, 0.5);
  f[name + " p99 draining"] = percentile_us(during, 0.99);
  shop.stop_till();
  central.running.kill();

  // Once more with nobody selling: the rate alone.
  clean_folder again_folder(how.folder + "/drain2");
  clean_folder again_far(central_folder);
  stay_on_core(1);
  tests::shop again(again_folder.path());
  auto& second = again.add_central("ledger");
  second.folder = again_far.path();
  again.start_till();
  again.stop_till();
  fill_journal(again.state_folder(), how.drained);
  again.start_till();
  seller watcher(again);
  auto before_it = watcher.waiting();
  stay_on_core(0);
  again.start_central("ledger");
  stay_on_core(1);
  first_s = last_s = 0;
  give_up_at = seconds_now() + drain_wait_s;
  for (left = before_it; left > 0; last_s = seconds_now()) {
    wait_ms(2);
    left = watcher.waiting();
    if (first_s == 0 && left < before_it) {
      first_s = seconds_now();
      at_first = left;
    }
    if (seconds_now() > give_up_at) tests::give_up("central does not take the records that wait");
  }
  stay_anywhere();
  f[name + " drain"] = static_cast<double>(at_first) / std::max(0.001, last_s - first_s);
  again.stop_till();
  second.running.kill();
}

}  // namespace

void measure_backlog(const settings& how, table& found) {
  auto records = number_text(static_cast<double>(how.drained));
  struct place {
    std::string name, folder;
    bool held;  // against the bars
  };
  std::vector<place> places;
  if (!how.memory_folder.empty())
    places.push_back({"central on tmpfs", how.memory_folder + "/central", true});
  places.push_back({"central on the same disk", how.folder + "/central", false});
  auto all = repeat(how, "backlog", [&] {
    figures f;
    for (auto& p : places) drain_once(how, p.folder, p.name, f);
    return f;
  });
  for (auto& p : places) {
    auto n = p.name;
    found.rows.push_back({"Draining " + records + " records",
                          n + ", records a second / own fill rate",
                          all.ratios(n + " drain", n + " fill"),
                          "",
                          {},
                          p.held ? std::optional(at_least(0.8)) : std::nullopt,
                          number_text(all.median(n + " drain")) + " a second, filled with " +
                              number_text(all.median(n + " fill")) + ", while one sells " +
                              number_text(all.median(n + " selling drain")),
                          all.disturbed});
  }
  for (auto& p : places) {
    auto n = p.name;
    auto us = [&](const std::string& which) {
      return number_text(all.median(n + which + " draining")) + " us, undisturbed " +
             number_text(all.median(n + which)) + " us";
    };
    auto bar = [&](double v) { return p.held ? std::optional(at_most(v)) : std::nullopt; };
    found.rows.push_back({"Sales while " + records + " records drain",
                          n + ", p50 / undisturbed",
                          all.ratios(n + " p50 draining", n + " p50"),
                          "",
                          bar(1.5),
                          {},
                          us(" p50"),
                          all.disturbed});
    found.rows.push_back({"Sales while " + records + " records drain",
                          n + ", p99 / undisturbed",
                          all.ratios(n + " p99 draining", n + " p99"),
                          "",
                          bar(3),
                          {},
                          us(" p99"),
                          all.disturbed});
  }
}

}  // namespace tilld::bench
