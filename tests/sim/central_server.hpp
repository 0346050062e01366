// A central server on virtual time: the production intake, apply machine and chain, with a simulated disk
// under them. What is written here is the socket's side of a connection: the greeting, and frames in and out.
#pragma once

#include <map>
#include <memory>

#include "base/crypto.hpp"
#include "central/intake.hpp"
#include "tests/sim/network.hpp"
#include "tests/sim/oracle.hpp"

namespace tilld::sim {

class central_server final : public machine {
 public:
  central_server(world& w, const swarm& rates, oracle& all, std::string name, wire::sync::role role);
  ~central_server() override;

  void list(const std::string& till, const base::public_key& key);
  wire::sync::role role() const { return role_; }
  const base::public_key& key() const { return key_.public_half(); }

  // Inside the process: a new connection came.
  line_end* accept(std::shared_ptr<connection> c);

  const central::apply_machine& machine_state() const { return intake_->machine(); }
  const std::optional<base::error>& broken() const { return intake_->broken(); }
  std::vector<central::stored_entry> entries();

 protected:
  bool start() override;
  void drop_before_loop() override;
  void drop_after_loop() override;

 private:
  class session;
  void tick();

  const swarm& rates_;
  oracle& oracle_;
  wire::sync::role role_;
  base::signing_key key_;
  std::map<std::string, central::listing> listed_;

  // The process.
  std::unique_ptr<central::store> store_;
  std::unique_ptr<central::intake> intake_;
  std::vector<std::unique_ptr<session>> sessions_;
};

}  // namespace tilld::sim
