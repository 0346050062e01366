// The disk of a simulated machine on which the rows of a till or of a central server lie without SQLite:
// tables in memory and a log of transactions behind them. It keeps the promises that SQLite keeps in WAL
// mode, and breaks what SQLite would find broken: a transaction is durable when its flush returned, one that
// was written and not flushed may survive a power cut or not, and behind one that did not nothing else does.
#pragma once

#include <array>
#include <map>
#include <vector>

#include "tests/sim/machine.hpp"

namespace tilld::sim {

enum class table : std::uint8_t {
  journal,        // number -> journal_row
  operation,      // principal, method, key -> daemon::operation_row
  operation_id,   // id -> key of operation
  witness,        // destination -> witness_row
  state,          // instance, key -> byte_string
  fact,           // name -> byte_string
  token,          // id -> daemon::token_row
  own,            // "" -> central::own_head
  entry,          // number -> central::stored_entry
  entry_of_till,  // till, number -> number in entry
  standing,       // till -> central::standing
  evidence,       // till -> central::till_evidence
  count_
};

using row = std::shared_ptr<const void>;
using rows_by_key = std::map<std::string, row, std::less<>>;

std::string number_key(std::uint64_t number);
std::string joined_key(std::initializer_list<std::string_view> parts);

class log_disk final : public disk {
 public:
  explicit log_disk(machine& owner);
  ~log_disk() override;

  // The disk on which the file of this path lies.
  static log_disk& of(const std::string& path);

  // As the process sees it.
  const rows_by_key& rows_of(table t) const { return tables_[static_cast<std::size_t>(t)]; }
  template <class Row>
  const Row* find(table t, std::string_view key) const {
    auto at = rows_of(t).find(key);
    return at == rows_of(t).end() ? nullptr : static_cast<const Row*>(at->second.get());
  }
  void attach();  // a new process opens it
  void put(table t, std::string key, row value);
  void begin();
  base::result<> commit();
  void rollback(std::size_t to = 0);
  std::size_t changes_so_far() const { return open_.size(); }
  bool in_transaction() const { return in_transaction_; }
  base::result<> checkpoint();
  base::result<> write_again();
  bool ghost() const { return ghost_; }
  void restore_ballast();
  void release_ballast();
  bool ballast() const { return ballast_; }

  std::string path(const std::string& file) const override;
  void process_died(death how) override;
  std::shared_ptr<const disk_image> copy() const override;
  void restore(const disk_image& from) override;
  bool keeps_record(std::uint64_t sequence) const override;
  bool keeps_answer(const daemon::operation_key& key) const override;
  bool keeps_at_central(const std::string& till, const base::chain_head& head) const override;

 private:
  struct change {
    table where;
    std::string key;
    row before, after;
  };
  using changes = std::vector<change>;
  // A transaction that is not certain to survive a power cut.
  struct frame {
    changes what;
    bool applied = true;  // the process sees it
    bool lost = false;    // its flush failed: it stands in memory alone
  };

  void set(table t, const std::string& key, const row& value);
  void apply(frame& f);
  void undo(frame& f);
  bool durable(table t, std::string_view key) const;
  bool has_room();

  machine& owner_;
  std::array<rows_by_key, static_cast<std::size_t>(table::count_)> tables_;
  std::vector<frame> frames_;
  changes open_;
  bool in_transaction_ = false, ghost_ = true;
  bool ballast_ = true;
  int room_ = 0;  // writes that fit on a full disk since the ballast was given back
};

// What SQLite's own VFS says of a disk that fails: the codes of base/sqlite.hpp.
base::error full_disk();
base::error failed_disk();

}  // namespace tilld::sim
