// What becomes of the road to one central server for a while.
#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace tilld::network {

enum class fault {
  none,           // this one is spared
  cut,            // nothing arrives, either way
  cut_there,      // nothing of the till arrives at central
  cut_back,       // nothing of central arrives at the till: what it acknowledges is never heard
  reset,          // what the till sends is answered with a reset
  loses_a_third,  // 30 % of all packets, either way
  count_
};
std::string_view name(fault f);

struct road {
  std::uint16_t port = 0;  // of the central server
  fault what = fault::none;
};

// For nft(8): a table that does to these ports what is wanted.
std::string rules_of(const std::vector<road>& roads);

// Never none for all of them at once.
std::vector<fault> draw_faults(std::mt19937_64& random, std::size_t roads);
// Log-uniform from one second to `longest_s`, as the till's clock counts: there are many short partitions and
// few long ones.
double draw_seconds(std::mt19937_64& random, double longest_s);

}  // namespace tilld::network
