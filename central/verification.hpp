// Reads central's whole database again and says whether it is what was once written: central's chain entry by
// entry, every till's chain record by record, the heads beside them, and the signatures of both sides. In
// slices, so that a running server takes records in between.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/crypto.hpp"
#include "central/store.hpp"

namespace tilld::central {

struct verified_till {
  std::uint64_t records = 0;
  base::chain_head head;
};

struct verification_report {
  std::uint64_t entries = 0;
  std::uint64_t records = 0;
  std::uint64_t events = 0;
  std::uint64_t signatures = 0;
  std::map<std::string, verified_till> tills;
  own_head own;
  // Each names the entry, the till and the record that is not what it was, and why. The first one is the
  // place to look at; at most problems_max are kept.
  std::vector<std::string> problems;
  static constexpr std::size_t problems_max = 20;

  bool good() const { return problems.empty(); }
};

class verification {
 public:
  // What is there at this moment is verified; what comes later is not waited for.
  static base::result<verification> begin(store& from, const base::public_key& own_key);

  // One slice; true when all is done. An error means that the database could not be read, which is not a
  // verdict.
  base::result<bool> step(std::size_t entries_max);

  const verification_report& report() const { return report_; }

 private:
  explicit verification(store& from) : store_(&from) {}
  void take(const stored_entry& e);
  void take_record(const stored_entry& e);
  void finish();
  void problem(std::string text);

  // A record or entry of which somebody signed that it has this hash.
  struct signed_place {
    base::hash256 hash{};
    std::string who;
    bool seen = false;
  };

  store* store_;
  own_head end_;
  std::map<std::string, standing> standings_;
  std::map<std::string, till_evidence> evidence_;
  std::multimap<std::uint64_t, signed_place> own_places_;
  std::map<std::string, std::multimap<std::uint64_t, signed_place>> till_places_;
  std::map<std::string, base::chain_follower> followers_;
  verification_report report_;
};

}  // namespace tilld::central
