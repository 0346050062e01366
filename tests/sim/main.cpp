// Runs seeds and says how many, or tells the story of the first one that broke a promise.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#include "tests/sim/shop.hpp"

namespace {

int usage() {
  std::fprintf(stderr,
               "tilld-sim [--seeds N] [--seed S] [--story]\n"
               "  --seeds N  how many seeds to run, 1000 when left out\n"
               "  --seed S   the first one, 1 when left out; alone it runs this one\n"
               "  --story    tell what happens in the first one\n");
  return 2;
}

}  // namespace

int main(int argc, char** argv) {
  using namespace tilld::sim;
  std::uint64_t seeds = 0, first = 1;
  bool story = false, seed_given = false;
  for (int i = 1; i < argc; ++i) {
    std::string word = argv[i];
    if (word == "--story") {
      story = true;
    } else if (i + 1 < argc && (word == "--seeds" || word == "--seed")) {
      (word == "--seeds" ? seeds : first) = std::strtoull(argv[++i], nullptr, 10);
      seed_given = seed_given || word == "--seed";
    } else {
      return usage();
    }
  }
  if (seeds == 0) seeds = seed_given ? 1 : 1000;

  auto begun = std::chrono::steady_clock::now();
  std::uint64_t events = 0, fewest = ~std::uint64_t{0}, virtual_ms = 0, answers = 0;
  for (std::uint64_t n = 0; n < seeds; ++n) {
    auto o = run_seed(first + n, story && n == 0);
    events += o.events;
    fewest = std::min(fewest, o.events);
    virtual_ms += o.virtual_ms;
    answers += o.answers;
    if (!o.violated) continue;
    std::printf("seed %llu breaks a promise after %llu events: %s\n  %s\n",
                static_cast<unsigned long long>(o.seed), static_cast<unsigned long long>(o.events),
                o.violated->promise.c_str(), o.violated->how.c_str());
    if (!story) {
      std::printf("its story:\n");
      (void)run_seed(first + n, true);
    }
    return 1;
  }
  std::chrono::duration<double> took = std::chrono::steady_clock::now() - begun;
  std::printf(
      "%llu seeds from %llu, %llu events (at least %llu each), %llu answers, %.0f hours of shop: no promise "
      "broken\n"
      "%.1f s, %.0f events a second, %.0f seeds a second\n",
      static_cast<unsigned long long>(seeds), static_cast<unsigned long long>(first),
      static_cast<unsigned long long>(events), static_cast<unsigned long long>(fewest),
      static_cast<unsigned long long>(answers), static_cast<double>(virtual_ms) / 3.6e6, took.count(),
      static_cast<double>(events) / took.count(), static_cast<double>(seeds) / took.count());
  return 0;
}
