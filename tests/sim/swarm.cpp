#include "tests/sim/swarm.hpp"

namespace tilld::sim {
namespace {

// Off in half of the runs, else anything up to the most.
std::uint64_t some(chance& dice, std::uint64_t most) { return dice.coin() ? 0 : dice.between(1, most); }

template <class Value>
Value one_of(chance& dice, std::initializer_list<Value> values) {
  return values.begin()[dice.below(values.size())];
}

}  // namespace

swarm swarm::drawn(chance& dice) {
  swarm s;
  s.tills = static_cast<int>(dice.between(2, 3));
  s.clients_each = static_cast<int>(dice.between(2, 3));
  s.sales_ms = dice.between(20'000, 50'000);
  s.think_ms_max = one_of<std::uint64_t>(dice, {800, 1500, 3000});
  s.prints = some(dice, 400'000);
  s.batch_records_max = one_of<std::uint32_t>(dice, {1, 2, 4, 16, 256});
  s.batches_in_flight_max = one_of<std::size_t>(dice, {1, 2, 2, 4});

  s.delay_ms_max = one_of<std::uint64_t>(dice, {5, 40, 600});
  s.line_breaks = some(dice, 60'000);
  s.frame_splits = some(dice, 300'000);
  s.frame_doubles = some(dice, 60'000);
  s.frame_flips = some(dice, 10'000);
  s.partitions = some(dice, 60'000);
  s.partition_ms_max = one_of<std::uint64_t>(dice, {500, 5'000, 30'000});

  s.till_deaths = some(dice, 60'000);
  s.central_deaths = some(dice, 60'000);
  s.power_cuts = one_of<std::uint64_t>(dice, {0, 300'000, 1'000'000});
  s.deaths_at_points = one_of<std::uint64_t>(dice, {0, 700'000, 1'000'000});

  s.sync_ms_max = one_of<std::uint64_t>(dice, {0, 2, 60, 400});
  s.disk_fills = some(dice, 30'000);
  s.flush_failures = some(dice, 15'000);
  s.clock_jumps = some(dice, 50'000);

  s.answer_losses = some(dice, 200'000);
  s.repetitions = some(dice, 200'000);
  s.key_reuses = some(dice, 60'000);
  s.impatience = some(dice, 200'000);

  s.device_crashes = some(dice, 50'000);
  s.device_stalls = some(dice, 100'000);
  s.device_can_tell = dice.below(4) != 0;

  // Rare among the runs, since what follows (a till in quarantine) hides much of the rest.
  switch (dice.below(12)) {
    case 0: s.till_disk_set_back = true; break;
    case 1: s.twin_till = true; break;
    case 2: s.central_set_back = true; break;
    default: break;
  }
  s.newer_central = dice.below(4) == 0;
  s.newer_till = dice.below(4) == 0;
  s.too_new_until_ms = dice.below(6) == 0 ? dice.below(15'000) : 0;
  return s;
}

}  // namespace tilld::sim
