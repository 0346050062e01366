#include "tests/sim/device.hpp"

#include <boost/json.hpp>

namespace tilld::sim {

using base::errc;
using daemon::device_outcome;

device_outcome device::done(const base::uuid& operation) {
  boost::json::object said{{"confirmation", operation.text()}};
  return {device_outcome::state::done, wire::make_result(said), {}};
}

void device::act(const used_key& key, const base::uuid& operation, std::function<void(device_outcome)> then) {
  if (!up())
    return then({device_outcome::state::not_done, {}, {errc::device_gone, "the plugin is not there"}});
  operations_[operation] = {true, false, key};
  bool stalls = !calm_ && world_.dice.hits(rates_.device_stalls);
  auto takes = stalls ? world_.dice.between(4'000, 30'000) : world_.dice.between(2, 300);
  if (stalls) world_.tell(name_, "will take ", takes, " ms for ", key.key);
  world_.after(takes, [this, mine = life_, operation, then = std::move(then)] {
    auto& o = operations_[operation];
    if (mine != life_ || !o.running) return;
    o.running = false;
    o.acted = true;
    world_.tell(name_, "prints ", o.key.key);
    oracle_.acted(o.key);
    then(done(operation));
  });
}

device_outcome device::look_up(const base::uuid& operation) const {
  using state = device_outcome::state;
  if (!up() || !rates_.device_can_tell)
    return {state::unknown, {}, {errc::outcome_unknown, "the device cannot tell"}};
  auto at = operations_.find(operation);
  if (at == operations_.end()) return {state::not_done, {}, {errc::device_gone, "it was never asked"}};
  if (at->second.running) return {state::running, {}, {errc::still_running, "it is at it"}};
  if (!at->second.acted) return {state::not_done, {}, {errc::device_gone, "it did not do it"}};
  return done(operation);
}

void device::crash() {
  world_.tell(name_, "crashes");
  ++life_;
  back_ms_ = world_.now_ms() + world_.dice.between(50, 3'000);
  for (auto& [id, o] : operations_) {
    if (!o.running) continue;
    o.running = false;
    // What was on its way to the paper may be on the paper.
    o.acted = world_.dice.coin();
    if (!o.acted) continue;
    world_.tell(name_, "had printed ", o.key.key);
    oracle_.acted(o.key);
  }
}

}  // namespace tilld::sim
