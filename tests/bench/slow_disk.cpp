// A disk whose every sync takes 300 ms, and sales all the time: whoever writes nothing must not notice, once
// the first slow commit has been seen.
#include <atomic>
#include <thread>

#include "tests/bench/load.hpp"
#include "tests/bench/machine.hpp"
#include "tests/bench/programs.hpp"
#include "tests/bench/settings.hpp"

namespace tilld::bench {

namespace {

constexpr double bar_ms = 20;

double call_ms(tests::line_client& client, const std::string& method, const boost::json::object& params) {
  auto began = seconds_now();
  auto answer = client.call(method, params);
  if (!answer || !answer->contains("result"))
    tests::give_up(method +
                   " failed on the slow disk: " + (answer ? boost::json::serialize(*answer) : "no answer"));
  return (seconds_now() - began) * 1e3;
}

boost::json::object sale(const std::string& till, std::uint64_t number) {
  return boost::json::parse(sale_params(till, number)).as_object();
}

}  // namespace

void measure_slow_disk(const settings& how, table& found) {
  auto all = repeat(how, "slow disk", [&] {
    figures f;
    clean_folder folder(how.folder + "/slow");
    tests::shop till(folder.path());
    till.plugins_yaml = "  - {name: sim, plugin: simulated.so}\n";
    till.till_environment = tests::preloading(bench_program("slow_sync.so"));
    till.till_environment.push_back("TILLD_BENCH_SYNC_MS=300");
    till.start_till();
    auto client = till.connect(), listener = till.connect();
    auto until_ready = seconds_now() + 30;
    while (true) {
      auto status = client.call("printer.status");
      if (status && status->contains("result")) break;
      if (seconds_now() > until_ready) tests::give_up("the plugin does not become ready on the slow disk");
      wait_ms(20);
    }
    call_ms(client, "scanner.enable", boost::json::object{{"on", true}});
    call_ms(listener, "events.subscribe", boost::json::object{{"topics", boost::json::array{"scanner"}}});
    f["sale"] = call_ms(client, "sale.record", sale("first", 0));

    std::atomic<bool> stop = false;
    std::thread seller([&] {
      auto own = till.connect();
      for (std::uint64_t n = 0; !stop; ++n) call_ms(own, "sale.record", sale("slow", n));
    });
    std::vector<double> status, plugin, scan;
    for (auto until = seconds_now() + 3 * how.seconds; seconds_now() < until;) {
      status.push_back(call_ms(client, "system.status", {}));
      plugin.push_back(call_ms(client, "printer.status", {}));
      auto began = seconds_now();
      client.send("org.tilld.simulation.scan", boost::json::object{{"text", "4006381333931"}});
      if (!listener.next_event("scanner.scanned")) tests::give_up("a scan did not arrive on the slow disk");
      scan.push_back((seconds_now() - began) * 1e3);
      wait_ms(2);
    }
    stop = true;
    seller.join();
    f["status"] = percentile_us(status, 0.99);
    f["plugin"] = percentile_us(plugin, 0.99);
    f["scan"] = percentile_us(scan, 0.99);
    till.stop_till();
    return f;
  });
  auto part = "Every sync takes 300 ms, one till sells all the time";
  auto detail = "a sale takes " + number_text(all.median("sale")) + " ms";
  for (auto [name, what] :
       {std::pair("status", "system.status, p99"), std::pair("scan", "scan to event, p99"),
        std::pair("plugin", "printer.status of a plugin, p99")})
    found.rows.push_back(
        {part, what, all.all(name), "ms", at_most(bar_ms), at_most(bar_ms), detail, all.disturbed});
}

}  // namespace tilld::bench
