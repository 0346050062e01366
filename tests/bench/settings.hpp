// How long and how often is measured, and repetitions that count only when nobody else computed meanwhile.
#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "tests/bench/table.hpp"

namespace tilld::bench {

struct settings {
  std::string folder;         // on the disk that is measured; made and emptied by the bench
  std::string memory_folder;  // on tmpfs; empty when there is none
  int repetitions = 5;
  double seconds = 1;                // of one measurement
  std::uint64_t drained = 100'000;   // records that wait for central
  std::uint64_t queued = 1'000'000;  // records of a long outage
  int idle_seconds = 10;
  std::set<std::string> only;  // names of parts; empty is all
};

using figures = std::map<std::string, double>;

struct repeated {
  std::vector<figures> each;
  int disturbed = 0;

  std::vector<double> all(const std::string& name) const;
  std::vector<double> ratios(const std::string& name, const std::string& to) const;
  double median(const std::string& name) const { return median_of(all(name)); }
  bool has(const std::string& name) const { return !each.empty() && each.front().contains(name); }
};

// Runs the body until it counted settings.repetitions times. What all of it measures is thereby interleaved.
// A repetition during which others used more than a tenth of a core is thrown away, as often as there are
// repetitions; from then on it is kept and counted as disturbed.
repeated repeat(const settings& how, const std::string& name, const std::function<figures()>& body);

// Each adds its rows.
void measure_round_trip(const settings& how, table& found);
void measure_durable_sales(const settings& how, table& found);
void measure_backlog(const settings& how, table& found);
void measure_footprint(const settings& how, table& found);
void measure_slow_disk(const settings& how, table& found);

}  // namespace tilld::bench
