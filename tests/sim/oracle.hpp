// What everybody was told. The oracle sees what clients submitted and which answers they got, which records
// central said it holds, and what devices really did; from that alone, and from the octets that lie at the
// tills and at central when all is over, it judges. It never asks production code whether production code was
// right: chains are followed and hashed here anew.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "central/store.hpp"
#include "tests/sim/world.hpp"

namespace tilld::sim {

// A key of a client at the till where it was used.
struct used_key {
  std::string till, principal, method, key;
  auto operator<=>(const used_key&) const = default;
  std::string text() const { return till + " " + principal + " " + method + " " + key; }
};

class oracle {
 public:
  explicit oracle(world& w) : world_(w) {}

  // From the clients.
  void submitted(const used_key& key, const std::string& params);
  void answered(const used_key& key, const std::string& params, const std::string& text);
  // From the devices: something was really done.
  void acted(const used_key& key);
  // From central: it sent its signed word that it holds this.
  void promised(const std::string& central, const std::string& till, const base::chain_head& head);
  // An owner put an old disk back; what that takes is lost by hand. Weaker rules hold for such a till.
  void forked(const std::string& till) { forked_.insert(till); }
  bool is_forked(const std::string& till) const { return forked_.count(till) != 0; }
  void set_back(const std::string& central) { set_back_.insert(central); }
  bool is_set_back(const std::string& central) const { return set_back_.count(central) != 0; }

  // When all is over. The journal of a till's disk, and what a central server holds.
  void judge_journal(const std::string& till, const std::vector<base::record>& journal, bool alone);
  void judge_central(const std::string& central, const std::vector<central::stored_entry>& entries,
                     const central::own_head& own, const std::map<std::string, central::standing>& standings);
  // A till and a server hold the same, or one of the two has raised an alarm; a till that was not forked has
  // neither.
  void judge_pair(const std::string& till, const std::vector<base::record>& journal,
                  const std::string& central, const std::vector<central::stored_entry>& entries, bool alarmed,
                  const std::string& alarm);

  std::size_t told() const { return answers_.size(); }

 private:
  struct first_answer {
    std::string params, text;
  };
  // The sales in a chain of records, each under its key; finds what nobody submitted and what is there twice.
  std::map<used_key, std::uint64_t> sales_in(const std::string& where, const std::string& till,
                                             const std::vector<const base::record*>& records);

  world& world_;
  std::map<used_key, std::set<std::string>> submitted_;
  std::map<used_key, first_answer> answers_;
  std::map<used_key, int> acts_;
  std::map<std::pair<std::string, std::string>, std::map<std::uint64_t, base::hash256>> promises_;
  std::set<std::string> forked_, set_back_;
};

}  // namespace tilld::sim
