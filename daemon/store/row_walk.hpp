// Goes through everything that a till's database holds and says of each row whether it is what was written:
// the journal by its chain, every other table by the check in its rows. Both walks read in slices, so that
// whoever owns the connection can do other things in between, and change to another file: nothing is kept
// open from one slice to the next.
//
// [the thread that owns the connection]
#pragma once

#include <array>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "daemon/store/row_check.hpp"

namespace tilld::daemon {

// Something that is not what was written.
struct damage {
  std::string what;  // "record 17", "token till-3"; never a value
  std::string why;
  std::uint64_t sequence = 0;  // of the record; 0 when it is a row beside the journal
};

// Follows the chain over damaged records: one that is not whole is named, and the next is held against the
// hash that stands in it.
class journal_walk {
 public:
  // Begins where the journal does.
  explicit journal_walk(std::string till, const journal_beginning& from = {});

  // Before each slice: records that were not looked at yet may have been moved into a file meanwhile.
  void skip_to(const journal_beginning& from);

  // Looks at no more records than this, and stops early when their bodies become many octets. Damage goes to
  // `found`. False when there is nothing behind what it looked at, or `up_to` is reached.
  base::result<bool> next(base::database& db, int count_max, std::uint64_t up_to, std::vector<damage>& found);
  // next() met a page that SQLite cannot read: names the record that should come next and goes on behind it.
  void step_over(const std::string& why, std::vector<damage>& found);
  // The last record that it looked at, as it says itself.
  const base::chain_head& at() const { return at_; }
  std::uint64_t looked_at() const { return looked_at_; }

 private:
  void take(std::uint64_t sequence, const base::record& r, const base::statement& row,
            std::vector<damage>& found);
  void check_sums(std::uint64_t sequence, const base::record& r, const base::statement& row,
                  std::vector<damage>& found);

  std::string till_;
  base::chain_head at_;
  std::uint64_t looked_at_ = 0;
  bool link_is_lost_ = false;  // of the record before: the next one is taken as it says
  std::map<std::string, money_total> sums_;
};

// The rows of the other tables, one table after the other, each in the order of its keys.
class row_walk {
 public:
  struct row {
    row_trace trace;
    bool whole = false;
    std::string name;  // only of rows that are not whole
  };
  // At most so many; none when everything was seen.
  base::result<std::vector<row>> next(base::database& db, int count_max);
  // The table that is looked at now, and to leave it for the next one.
  std::string_view table() const;
  void next_table();

 private:
  int table_ = 0;
  std::array<std::string, 3> after_;
  bool first_ = true;  // no row of this table was seen yet
};

}  // namespace tilld::daemon
