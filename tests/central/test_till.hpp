// A till as central sees it: a journal in memory, a key, and the forwarder that the daemon uses. What a test
// wants to be wrong with it can be made wrong.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <boost/asio/io_context.hpp>

#include "daemon/forward/forwarder.hpp"
#include "tests/central/central_program.hpp"

namespace tilld::tests {

// Runs the io_context until the condition holds; false when the patience is over.
bool run_until(boost::asio::io_context& io, const std::function<bool()>& condition,
               std::chrono::milliseconds at_most = patience);

class memory_journal final : public daemon::journal_source {
 public:
  explicit memory_journal(std::string till) : till_(std::move(till)) {}

  void write(const std::string& body, const std::string& kind = "sale");
  void cut_to(std::uint64_t sequence);
  void begin_epoch(std::uint32_t epoch, const base::chain_head& after);

  base::chain_head head() const override { return head_; }
  base::chain_head beginning() const override { return beginning_; }
  void read(std::uint64_t from, std::uint32_t count_max, std::size_t octets_max, records_read then) override;
  base::result<std::optional<wire::sync::witness>> load_witness(std::string_view destination) override;
  void save_witness(std::string_view destination, const wire::sync::witness& value,
                    witness_saved then) override;

  std::vector<base::record> records;
  std::map<std::string, wire::sync::witness, std::less<>> witnesses;

 private:
  std::string till_;
  base::chain_head beginning_;
  base::chain_head head_;
  std::uint32_t epoch_ = 1;
};

class test_till {
 public:
  using key_seed = std::array<std::uint8_t, 32>;
  // With the seed of another one it is that one's copy.
  explicit test_till(boost::asio::io_context& io, std::string name = "till-1", key_seed seed = fresh_seed());

  // A start of the daemon: the counter grows, a new instance is drawn.
  void switch_on();
  void switch_off() { forwarders_.clear(); }
  // One forwarder for each central; the settings' waits are short so that tests are.
  daemon::forwarder& forward_to(const std::string& destination, const central_program& central,
                                wire::sync::role role = wire::sync::role::ledger);
  void sell(const std::string& body = R"({"total":{"minor":1250,"currency":"EUR"}})");
  bool everything_arrived(const std::string& destination = "head-office") const;
  const daemon::forward_status& status(const std::string& destination = "head-office") const;
  daemon::forwarder& at(const std::string& destination = "head-office") {
    return *forwarders_.at(destination);
  }

  static key_seed fresh_seed();

  std::string name;
  key_seed seed;
  base::signing_key key{seed};
  memory_journal journal;
  std::uint64_t start_counter = 0;
  wire::sync::instance_id instance{};

 private:
  boost::asio::io_context& io_;
  base::system_clock clock_;
  daemon::device_keys keys_{key};
  std::map<std::string, std::unique_ptr<daemon::forwarder>> forwarders_;
};

// What central holds of a till, over HTTP, against the till's own journal: the same hashes, once each, in
// order.
void expect_same_records(central_program& central, const test_till& till);

}  // namespace tilld::tests
