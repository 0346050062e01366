// Plants each bug of mutants.def in turn and runs seeds until a promise is broken: the test of the test. A
// bug that no seed shows means that a fault is missing from the simulator, not that the bug is harmless.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "tests/sim/mutants.hpp"
#include "tests/sim/shop.hpp"

namespace {

using namespace tilld::sim;

struct catch_of {
  std::uint64_t seed = 0;  // 0: none
  std::string promise;
};

catch_of hunt(mutant which, std::uint64_t seeds_max) {
  planted = which;
  for (std::uint64_t seed = 1; seed <= seeds_max; ++seed) {
    auto o = run_seed(seed, false);
    if (o.violated) return {seed, o.violated->promise};
  }
  return {};
}

}  // namespace

int main(int argc, char** argv) {
  constexpr std::uint64_t seeds_max = 5'000, quick_seeds_max = 250;
  bool quick = false;
  std::string only;
  std::uint64_t story = 0;
  for (int i = 1; i < argc; ++i) {
    std::string word = argv[i];
    if (word == "--quick") {
      quick = true;
    } else if (word == "--only" && i + 1 < argc) {
      only = argv[++i];
    } else if (word == "--story" && i + 1 < argc) {
      story = std::strtoull(argv[++i], nullptr, 10);
    } else {
      std::fprintf(stderr,
                   "tilld-sim-mutants [--quick] [--only NAME [--story SEED]]\n"
                   "  --quick       those that %llu seeds are known to show\n"
                   "  --only NAME   this one alone\n"
                   "  --story SEED  tell what happens with it in this seed\n",
                   static_cast<unsigned long long>(quick_seeds_max));
      return 2;
    }
  }
  int caught = 0, survived = 0, left_out = 0;
  for (auto& m : mutant_list) {
    if (!only.empty() && only != m.name) continue;
    if (story > 0) {
      planted = m.which;
      (void)run_seed(story, true);
      continue;
    }
    if (quick && m.within > quick_seeds_max) {
      ++left_out;
      continue;
    }
    auto found = hunt(m.which, quick ? quick_seeds_max : seeds_max);
    if (found.seed == 0) {
      ++survived;
      std::printf("%-34.*s SURVIVED\n", static_cast<int>(m.name.size()), m.name.data());
    } else {
      ++caught;
      std::printf("%-34.*s seed %5llu  %s\n", static_cast<int>(m.name.size()), m.name.data(),
                  static_cast<unsigned long long>(found.seed), found.promise.c_str());
    }
    std::fflush(stdout);
  }
  if (story == 0) std::printf("%d caught, %d survived, %d left out\n", caught, survived, left_out);
  return survived == 0 && (caught > 0 || story > 0) ? 0 : 1;
}
