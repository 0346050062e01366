// The planted bugs, by name. Each stands in one place of the sources as is(mutant::x) ? wrong : right: those
// of production code are put there by tests/sim/mutants.cmake, in copies that only tilld-sim-mutants is built
// of. In every other program is() is false and the compiler drops what hangs on it.
#pragma once

#include <cstdint>
#include <string_view>

namespace tilld::sim {

enum class mutant {
  none,
#define TILLD_MUTANT(name, within, what) name,
#include "tests/sim/mutants.def"
#undef TILLD_MUTANT
  count_
};

struct mutant_entry {
  mutant which;
  std::uint64_t within;
  std::string_view name, what;
};

inline constexpr mutant_entry mutant_list[] = {
#define TILLD_MUTANT(name, within, what) {mutant::name, within, #name, what},
#include "tests/sim/mutants.def"
#undef TILLD_MUTANT
};

#ifdef TILLD_WITH_MUTANTS
inline mutant planted = mutant::none;
inline bool is(mutant m) { return planted == m; }
#else
constexpr bool is(mutant) { return false; }
#endif

}  // namespace tilld::sim
