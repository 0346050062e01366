// (a) What a call costs, without a disk: everything on one core, so that the code is measured and not the
// machine's way of waking another core; and many connections, the server on one core and the client on the
// other.
#include "tests/bench/load.hpp"
#include "tests/bench/machine.hpp"
#include "tests/bench/programs.hpp"
#include "tests/bench/settings.hpp"

namespace tilld::bench {

namespace {

load_result calls(const std::string& socket, const std::string& method, int connections, int in_flight,
                  double seconds, const std::string& good = "\"result\":") {
  load_plan plan;
  plan.socket = socket;
  plan.connections = connections;
  plan.in_flight = in_flight;
  plan.seconds = seconds;
  plan.good = good;
  plan.ask = [&method](std::string& out, int, std::uint64_t number) {
    out += call_of_200_octets(method, number);
  };
  return run_load(plan);
}

std::string microseconds(double one, double other) {
  return number_text(one) + " us, floor " + number_text(other) + " us";
}
std::string rates(double one, double other) {
  return number_text(one) + " a second, beside " + number_text(other);
}

}  // namespace

void measure_round_trip(const settings& how, table& found) {
  clean_folder folder(how.folder + "/round");
  // Started on the core on which they are measured.
  stay_on_core(1);
  tests::shop till(folder.path() + "/t");
  till.plugins_yaml = "  - {name: sim, plugin: simulated.so}\n";
  till.start_till();
  socket_program raw(bench_program("tilld-bench-echo-blocking"), folder.path() + "/raw");
  socket_program many(bench_program("tilld-bench-echo-epoll"), folder.path() + "/epoll");
  socket_program plain(bench_program("tilld-bench-echo-coroutine"), folder.path() + "/plain");
  const std::string echoed = "\"method\":";
  auto warm = how.seconds / 10;

  auto one = repeat(how, "one call at a time", [&] {
    figures f;
    stay_on_core(1);
    auto p50 = [&](const std::string& name, const std::string& socket, const std::string& method,
                   const std::string& good) {
      calls(socket, method, 1, 1, warm, good);
      auto r = calls(socket, method, 1, 1, how.seconds, good);
      f[name] = r.p50_us;
      f[name + " p99"] = r.p99_us;
    };
    p50("raw", raw.socket(), "system.ping", echoed);
    p50("built-in", till.socket(), "system.ping", "\"result\":");
    p50("plain", plain.socket(), "system.ping", echoed);
    p50("plugin", till.socket(), "printer.status", "\"result\":");
    return f;
  });
  auto part = "Round trip of a call of 200 octets, one core";
  auto add_ratio = [&](const std::string& what, const std::string& name, std::optional<limit> bar,
                       std::optional<limit> goal) {
    found.rows.push_back({part, what, one.ratios(name, "raw"), "", bar, goal,
                          microseconds(one.median(name), one.median("raw")), one.disturbed});
  };
  add_ratio("built-in call, p50 / raw C echo", "built-in", at_most(1.7), at_most(1.4));
  add_ratio("call into an isolated plugin, p50 / raw C echo", "plugin", at_most(3.3), at_most(2.8));
  add_ratio("for comparison: plain coroutine with JSON, p50 / raw C echo", "plain", {}, {});
  found.rows.push_back({part,
                        "built-in call, p99 / p99 of the raw C echo",
                        one.ratios("built-in p99", "raw p99"),
                        "",
                        {},
                        at_most(1.5),
                        "",
                        one.disturbed});

  auto at_64 = repeat(how, "64 connections", [&] {
    figures f;
    stay_on_core(0);
    for (int in_flight : {1, 16}) {
      auto depth = " x" + std::to_string(in_flight);
      f["epoll" + depth] =
          calls(many.socket(), "system.ping", 64, in_flight, how.seconds, echoed).per_second();
      f["till" + depth] = calls(till.socket(), "system.ping", 64, in_flight, how.seconds).per_second();
      f["plain" + depth] =
          calls(plain.socket(), "system.ping", 64, in_flight, how.seconds, echoed).per_second();
    }
    return f;
  });
  stay_anywhere();
  part = "Calls a second, 64 connections, server and client on a core each";
  auto add_rate = [&](const std::string& what, const std::string& depth, const std::string& to,
                      std::optional<limit> goal) {
    found.rows.push_back({part,
                          what,
                          at_64.ratios("till" + depth, to + depth),
                          "",
                          {},
                          goal,
                          rates(at_64.median("till" + depth), at_64.median(to + depth)),
                          at_64.disturbed});
  };
  add_rate("1 in flight / C epoll echo", " x1", "epoll", at_least(0.6));
  add_rate("1 in flight / plain coroutine with JSON", " x1", "plain", {});
  add_rate("16 in flight / plain coroutine with JSON", " x16", "plain", at_least(3));
  till.stop_till();
}

}  // namespace tilld::bench
