#include "tests/hostile/neighbour.hpp"

#include <poll.h>

#include <algorithm>
#include <cstdio>
#include <fstream>

#include "tests/support/shop.hpp"

namespace tilld::hostile {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

neighbour::neighbour(const std::string& socket, std::string method, boost::json::object params)
    : method_(std::move(method)), params_(std::move(params)) {
  if (!line_.connect_unix(socket, milliseconds(15'000))) tests::give_up("the neighbour cannot connect");
}

latency figures_of(std::vector<microseconds> times, std::size_t unanswered) {
  latency l;
  l.samples = times.size();
  l.unanswered = unanswered;
  if (times.empty()) return l;
  std::sort(times.begin(), times.end());
  l.p50 = times[times.size() / 2];
  l.p99 = times[times.size() * 99 / 100];
  l.most = times.back();
  return l;
}

latency neighbour::ping(std::size_t times) {
  std::vector<microseconds> took;
  auto unanswered = ping(times, took);
  return figures_of(std::move(took), unanswered);
}

std::size_t neighbour::ping(std::size_t times, std::vector<microseconds>& took) {
  std::size_t unanswered = 0;
  for (std::size_t i = 0; i < times; ++i) {
    if (!line_.connected()) return unanswered + times - i;
    auto began = steady_clock::now();
    auto answer = line_.call(method_, params_);
    if (answer && answer->contains("result"))
      took.push_back(std::chrono::duration_cast<microseconds>(steady_clock::now() - began));
    else
      ++unanswered;
    ::poll(nullptr, 0, 1);
  }
  return unanswered;
}

std::string text(const latency& l) {
  auto ms = [](microseconds t) { return static_cast<double>(t.count()) / 1000; };
  char line[96];
  std::snprintf(line, sizeof line, "p50 %6.2f ms, p99 %6.2f ms, at most %6.2f ms", ms(l.p50), ms(l.p99),
                ms(l.most));
  return line;
}

bool unharmed(const latency& quiet, const latency& under_attack) {
  return under_attack.unanswered == 0 &&
         under_attack.p99 <= std::max<microseconds>(3 * quiet.p99, milliseconds(5));
}

std::size_t resident_octets(pid_t process) {
  std::ifstream in("/proc/" + std::to_string(process) + "/status");
  std::string word;
  while (in >> word)
    if (word == "VmRSS:") {
      std::size_t kib = 0;
      in >> kib;
      return kib * 1024;
    }
  return 0;
}

}  // namespace tilld::hostile
