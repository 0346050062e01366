// A till on virtual time: the production store, rule of idempotency, forwarding machines and journal adapter,
// with a simulated disk under them, a network behind them and clients and a device in front. What is written
// here is what programs are made of around these objects: the order in which a daemon starts, and the shell
// that carries out what the forwarding machine decides.
#pragma once

#include <map>
#include <memory>
#include <vector>

#include "base/crypto.hpp"
#include "daemon/forward/forward_machine.hpp"
#include "daemon/forward_journal.hpp"
#include "daemon/router/keyed_calls.hpp"
#include "tests/sim/device.hpp"
#include "tests/sim/network.hpp"
#include "tests/sim/oracle.hpp"

namespace tilld::sim {

class central_server;

class till final : public machine {
 public:
  // `machine_name` differs from `till_name` only where two machines have one identity.
  till(world& w, const swarm& rates, network& net, oracle& all, std::string machine_name,
       std::string till_name, std::vector<central_server*> destinations);
  ~till() override;

  const std::string& till_name() const { return till_name_; }
  const base::public_key& key() const { return key_.public_half(); }

  // A call of a client, inside the process. `then` gets the answer, inside the process too.
  struct asked {
    std::string principal, method, key, params;
    bool waits = true;  // else it is content to hear that it runs
  };
  void call(asked what, std::function<void(const wire::answer&)> then);

  const daemon::forward_status& status(std::size_t destination) const {
    return roads_[destination]->machine.status();
  }
  const base::chain_head& head() const { return store_->head(); }
  // What is on the disk of the last acknowledgement; nothing while the process is down, or before the first.
  std::optional<base::chain_head> stored_cursor(std::size_t destination) const;
  // The whole journal, read by the process itself.
  std::vector<base::record> journal();
  device& printer() { return device_; }
  // The daemon loses interest in what its dead device had in hand.
  void device_lost();

 protected:
  bool start() override;
  void drop_before_loop() override;
  void drop_after_loop() override;

 private:
  struct road final : line_end {
    road(till& owner, central_server& to, daemon::forward_settings how, daemon::till_identity identity);
    void connected(connection& c) override;
    void arrived(connection& c, base::byte_view octets) override;
    void ended(connection& c, std::string_view why) override;

    void carry_out(daemon::forward_steps steps);
    void carry_out(daemon::forward_action::connect&);
    void carry_out(daemon::forward_action::close&);
    void carry_out(daemon::forward_action::send& s);
    void carry_out(daemon::forward_action::read& r);
    void carry_out(daemon::forward_action::store& s);
    void carry_out(daemon::forward_action::set_timer& t);
    void carry_out(daemon::forward_action::tell& t);

    till& owner;
    central_server& to;
    std::string destination;
    daemon::forward_machine machine;
    std::shared_ptr<connection> line;
    wire::sync::frame_reader reader{wire::sync::frame_reader::for_peers};
    std::uint64_t timer = 0, unasked = 0;
    std::uint64_t sent_up_to = 0;
  };
  class real_signatures;

  bool count_this_start();
  daemon::moment moment_now();
  void record_sale(asked what, std::function<void(const wire::answer&)> then);
  void print(asked what, std::function<void(const wire::answer&)> then);
  void check_promise(const asked& what, const wire::answer& a);
  boost::asio::awaitable<daemon::device_outcome> ask_device(used_key key, base::uuid operation, bool look_up);

  const swarm& rates_;
  network& network_;
  oracle& oracle_;
  std::string till_name_;
  std::vector<central_server*> destinations_;
  base::signing_key key_;
  std::unique_ptr<real_signatures> signatures_;
  device device_;

  // The process.
  std::unique_ptr<daemon::store> store_;
  std::unique_ptr<daemon::forward_journal> journal_;
  std::unique_ptr<daemon::keyed_calls> keyed_;
  std::vector<std::unique_ptr<road>> roads_;
  std::uint64_t start_counter_ = 0;
  wire::sync::instance_id instance_{};
  std::map<std::uint64_t, std::function<void(daemon::device_outcome)>> asked_;
  std::uint64_t last_asked_ = 0;
};

}  // namespace tilld::sim
