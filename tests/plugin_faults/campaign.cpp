// Lets one plugin misbehave beside a good one and prints what others notice: a ping, which only the daemon
// answers, and a customer display, which the good plugin answers.
//
//   tilld-plugin-faults-campaign [--calls N]
//
// Exit code 1 when a p99 passes three times its quiet p99 and five milliseconds, three times in a row.
#include <signal.h>

#include <cstdio>
#include <thread>

#include <CLI/CLI.hpp>

#include "tests/hostile/neighbour.hpp"
#include "tests/plugin_faults/fault.hpp"
#include "tests/support/scratch.hpp"

using namespace tilld;
using namespace tilld::plugin_faults;
using hostile::figures_of;
using hostile::latency;
using hostile::neighbour;
using hostile::text;
using hostile::unharmed;

namespace {

struct seen {
  latency ping, show;
};

class bench {
 public:
  bench(const fault& f, const std::string& isolation) : shop_(folder_.path()) {
    shop_.plugins_yaml = plugins_yaml(f, isolation);
    shop_.start_till();
    for (auto who : {"good", "bad"})
      wait_for(
          shop_, who, [](auto& o) { return o.at("state") == "ready"; }, std::chrono::milliseconds(20'000));
    ping_ = std::make_unique<neighbour>(shop_.socket());
    boost::json::object lines{{"device", "good"}, {"lines", boost::json::array{"Total", "5.18"}}};
    show_ = std::make_unique<neighbour>(shop_.socket(), "display.show", lines);
    (void)measure(200);
  }
  ~bench() { shop_.stop_till(); }

  seen measure(std::size_t calls) {
    std::vector<std::chrono::microseconds> pings, shows;
    std::size_t lost_pings = 0, lost_shows = 0;
    for (std::size_t i = 0; i < calls / 10; ++i) {
      lost_pings += ping_->ping(10, pings);
      lost_shows += show_->ping(10, shows);
    }
    return {figures_of(std::move(pings), lost_pings), figures_of(std::move(shows), lost_shows)};
  }
  seen measure_beside(const fault& f, std::size_t calls) {
    std::atomic<bool> stop = false;
    std::thread provoking([&] { f.provoke(shop_, stop); });
    auto s = measure(calls);
    stop = true;
    provoking.join();
    return s;
  }

 private:
  tests::scratch_folder folder_;
  tests::shop shop_;
  std::unique_ptr<neighbour> ping_, show_;
};

void print(const std::string& what, const seen& s, const char* remark) {
  std::printf("%-38s ping %s | display %s%s\n", what.c_str(), text(s.ping).c_str(), text(s.show).c_str(),
              remark);
  std::fflush(stdout);
}

int run(std::size_t calls) {
  bool good = true;
  for (auto& f : faults())
    for (const std::string isolation : {"process", "none"}) {
      if (isolation == "none" && !f.on_a_thread) continue;
      bench b(f, isolation);
      auto quiet = b.measure(calls);
      auto name = f.name + (isolation == "none" ? " on a thread" : "");
      print(name + ": quiet", quiet, "");
      bool fine = false;
      for (int go = 0; go < 3 && !fine; ++go) {
        auto beside = b.measure_beside(f, calls);
        fine = unharmed(quiet.ping, beside.ping) && unharmed(quiet.show, beside.show);
        print(name, beside, fine ? "" : "  ! slower than the bar");
      }
      good = good && fine;
    }
  return good ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  ::signal(SIGPIPE, SIG_IGN);
  CLI::App app("Lets plugins misbehave and prints what others notice.");
  std::size_t calls = 1000;
  app.add_option("--calls", calls, "How often each neighbour asks")->capture_default_str();
  CLI11_PARSE(app, argc, argv);
  return run(calls);
}
