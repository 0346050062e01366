// A printer behind a plugin. It does what it is asked to after a while, may be slow beyond all patience, and
// its plugin may die in the middle: then nobody knows whether the paper moved, except a printer that
// remembers.
#pragma once

#include <map>

#include "base/id.hpp"
#include "daemon/router/keyed_calls.hpp"
#include "tests/sim/oracle.hpp"
#include "tests/sim/swarm.hpp"

namespace tilld::sim {

class device {
 public:
  device(world& w, const swarm& rates, oracle& all, std::string name)
      : world_(w), rates_(rates), oracle_(all), name_(std::move(name)) {}

  // Calls `then` once, unless the plugin dies before; whoever asked hears of that from device_lost().
  void act(const used_key& key, const base::uuid& operation,
           std::function<void(daemon::device_outcome)> then);
  daemon::device_outcome look_up(const base::uuid& operation) const;

  // The plugin dies; it comes back after a while.
  void crash();
  void calm() { calm_ = true; }
  bool up() const { return world_.now_ms() >= back_ms_; }

 private:
  struct operation_in_hand {
    bool running = false, acted = false;
    used_key key;
  };
  static daemon::device_outcome done(const base::uuid& operation);

  world& world_;
  const swarm& rates_;
  oracle& oracle_;
  std::string name_;
  std::map<base::uuid, operation_in_hand> operations_;
  std::uint64_t life_ = 0, back_ms_ = 0;
  bool calm_ = false;
};

}  // namespace tilld::sim
