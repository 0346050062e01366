// Where the kills land: every write step of both programs in turn, in an order that the seed shuffles,
// between them kills at any instant and kills of a plugin's process. Counts what was unanswered at each, for
// the histogram.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "base/step.hpp"

namespace tilld::crash {

enum class victim { till, central, plugin };
std::string_view name(victim v);

struct planned_kill {
  victim who = victim::till;
  std::optional<base::step> at;  // nothing: at any instant
  std::uint32_t passes = 0;      // how often the step is passed before
  std::uint32_t instant_ms = 0;  // without a step
  bool while_starting = false;   // armed before the program starts again: dies once more while it recovers
};

class kill_plan {
 public:
  explicit kill_plan(std::mt19937_64& random) : random_(random) {}

  planned_kill next();

  // A kill landed at `where` (a step's name or "any instant"); `unanswered` calls of clients or, for central,
  // batches of the till were open.
  void landed(victim who, const std::string& where, bool while_starting, std::size_t unanswered);

  std::size_t kills() const;
  std::size_t with_unanswered() const;
  void print() const;
  // Steps at which nothing was ever killed.
  std::vector<std::string> never_hit() const;

 private:
  struct count {
    std::size_t kills = 0, with_unanswered = 0, while_starting = 0;
  };
  std::mt19937_64& random_;
  std::vector<planned_kill> round_;
  std::map<std::pair<victim, std::string>, count> counts_;
};

}  // namespace tilld::crash
