// One run: some tills with their clients and devices, two central servers, and a seed of trouble. First the
// faults come as the swarm has them and everybody sells; then they stop, everything that is down comes up,
// and within bounded time everything must have drained and every client must have its answer.
#pragma once

#include <memory>
#include <vector>

#include "tests/sim/central_server.hpp"
#include "tests/sim/client.hpp"

namespace tilld::sim {

struct outcome {
  std::uint64_t seed = 0, events = 0, trace = 0, virtual_ms = 0;
  std::size_t answers = 0;
  std::optional<violation> violated;
};

class shop {
 public:
  shop(std::uint64_t seed, bool tells);
  ~shop();
  outcome run();

 private:
  void sell();
  void trouble();
  void trouble_at_till(till& t);
  void trouble_at_central(central_server& c);
  void kill(machine& m);
  void bring_back(machine& m, std::uint64_t ms);
  void set_back_till();
  void add_twin();
  void set_back_central();
  void close_when_enough_happened();
  void calm_down();
  void look_whether_settled(std::uint64_t until_ms);
  bool twin_goes_unnoticed();
  bool settled();
  void judge();
  // Why the records of a till do not move to a server any more until a person acts; empty while they may.
  std::string alarm_at(const till& t, std::size_t destination);

  std::uint64_t seed_;
  world world_;
  swarm rates_;
  oracle oracle_;
  network network_;
  std::vector<std::unique_ptr<central_server>> centrals_;
  std::vector<std::unique_ptr<till>> tills_;
  std::vector<std::unique_ptr<client>> clients_;
  std::shared_ptr<const disk_image> image_;  // of the first till, or of the first central server
  // Tills that could prove to the first server that it lost something.
  std::vector<till*> witnesses_of_a_loss_;
  bool calm_ = false;
};

// Runs a seed from the beginning to the judgement.
outcome run_seed(std::uint64_t seed, bool tells);

}  // namespace tilld::sim
