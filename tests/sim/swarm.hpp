// Which faults a run has, and how much of each. Every seed draws its own mixture: a run with everything at
// once hides what only shows when most things work, so each fault is left out of many runs.
#pragma once

#include "tests/sim/world.hpp"

namespace tilld::sim {

// Rates are in a million, for each occasion or each second, as the comment says.
struct swarm {
  // The shop.
  int tills = 2, clients_each = 2;
  std::uint64_t sales_ms = 0;      // how long it is open: the faults stop with it
  std::uint64_t think_ms_max = 0;  // between two sales of a client
  std::uint64_t prints = 0;        // of all calls
  std::uint32_t batch_records_max = 256;
  std::size_t batches_in_flight_max = 2;

  // The network between a till and a central server, for each frame.
  std::uint64_t delay_ms_max = 5;
  std::uint64_t line_breaks = 0, frame_splits = 0, frame_doubles = 0, frame_flips = 0;
  std::uint64_t partitions = 0;  // each second and pair
  std::uint64_t partition_ms_max = 0;

  // Processes and power, each second and machine.
  std::uint64_t till_deaths = 0, central_deaths = 0;
  std::uint64_t power_cuts = 0;        // of the deaths
  std::uint64_t deaths_at_points = 0;  // of the deaths: at one of the next steps instead of at once

  // Disks, each second and machine.
  std::uint64_t sync_ms_max = 0;
  std::uint64_t disk_fills = 0, flush_failures = 0;

  // Clocks, each second and till.
  std::uint64_t clock_jumps = 0;

  // Clients, for each sale or answer.
  std::uint64_t answer_losses = 0, repetitions = 0, key_reuses = 0, impatience = 0;

  // Devices.
  std::uint64_t device_crashes = 0, device_stalls = 0;  // each second; each act
  bool device_can_tell = true;

  // What happens at most once in a run.
  bool till_disk_set_back = false, twin_till = false, central_set_back = false;
  // Peers of the next version.
  bool newer_central = false, newer_till = false;
  std::uint64_t too_new_until_ms = 0;  // one central speaks a version that the tills do not

  static swarm drawn(chance& dice);
};

}  // namespace tilld::sim
