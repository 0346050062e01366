// Central's own events as a journal: record n is the n-th event of the chain that is no till's record, in the
// format of docs/journal-format.md, made of what is stored and always the same. So they go to a witness by
// the protocol by which tills send, and whoever has only the witness can say what this server decided. [one
// thread]
#pragma once

#include <string>
#include <vector>

#include "central/store.hpp"

namespace tilld::central {

class event_journal {
 public:
  // `name` is the till under which the witness lists this server.
  event_journal(store& from, std::string name) : store_(from), name_(std::move(name)) {}

  // Takes in what came since the last time, from the beginning at first. Cheap when there is nothing.
  base::result<> follow();

  const base::chain_head& head() const { return head_; }
  // Of a record up to the head; zeros for 0.
  base::hash256 hash_at(std::uint64_t sequence) const;
  // Records from this number on, at most so many.
  base::result<std::vector<base::record>> read(std::uint64_t from, std::size_t count_max);

 private:
  struct place {
    std::uint64_t central_sequence = 0;
    base::hash256 hash{};
  };
  base::record make(const stored_entry& e, const base::chain_head& before) const;

  store& store_;
  std::string name_;
  std::vector<place> places_;  // of record n at n - 1; decisions about tills are few
  base::chain_head head_;
};

}  // namespace tilld::central
