#include "tests/network/partition.hpp"

#include <algorithm>
#include <cmath>

namespace tilld::network {

std::string_view name(fault f) {
  switch (f) {
    case fault::none: return "none";
    case fault::cut: return "cut";
    case fault::cut_there: return "cut there";
    case fault::cut_back: return "cut back";
    case fault::reset: return "reset";
    case fault::loses_a_third: return "30 % lost";
    case fault::count_: break;
  }
  return "";
}

std::string rules_of(const std::vector<road>& roads) {
  std::string rules = "table inet partition {\n  chain in {\n    type filter hook input priority 0\n";
  for (auto& r : roads) {
    auto there = "    tcp dport " + std::to_string(r.port), back = "    tcp sport " + std::to_string(r.port);
    constexpr auto lose = " numgen random mod 100 < 30 drop\n", drop = " drop\n";
    switch (r.what) {
      case fault::none:
      case fault::count_: break;
      case fault::cut: rules += there + drop + back + drop; break;
      case fault::cut_there: rules += there + drop; break;
      case fault::cut_back: rules += back + drop; break;
      case fault::reset: rules += there + " reject with tcp reset\n"; break;
      case fault::loses_a_third: rules += there + lose + back + lose; break;
    }
  }
  return rules + "  }\n}\n";
}

std::vector<fault> draw_faults(std::mt19937_64& random, std::size_t roads) {
  std::vector<fault> all(roads);
  auto spared = [](fault f) { return f == fault::none; };
  do {
    for (auto& f : all) f = static_cast<fault>(random() % static_cast<std::uint64_t>(fault::count_));
  } while (std::all_of(all.begin(), all.end(), spared));
  return all;
}

double draw_seconds(std::mt19937_64& random, double longest_s) {
  double share = static_cast<double>(random() >> 11) / 9007199254740992.0;
  return std::exp(share * std::log(longest_s));
}

}  // namespace tilld::network
