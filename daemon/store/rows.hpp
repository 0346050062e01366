// What the till's database holds, row by row, and the statements that read and write it. A `rows` object is
// used inside the store's transactions only, by the thread that owns the connection at that moment.
#pragma once

#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/money.hpp"
#include "base/record.hpp"
#include "base/sealed.hpp"
#include "base/sqlite.hpp"

namespace tilld::daemon {

enum class operation_state : int { running = 1, done = 2, failed = 3, unknown = 4 };
enum class answer_kind : int {
  none = 0,
  result = 1,
  error = 2,
  sealed_result = 3,
  sealed_error = 4,
  expired = 5
};

// Who asked, for what, under which key: the scope of idempotency.
struct operation_key {
  std::string principal, method, key;
  auto operator<=>(const operation_key&) const = default;
};

struct operation_row {
  operation_key key;
  base::uuid id;
  base::hash256 content_mac{};
  operation_state state = operation_state::running;
  answer_kind kind = answer_kind::none;
  std::string answer;  // JSON text, already opened when it was sealed
  std::string device;
  std::uint64_t sequence = 0;  // 0: no record
  std::int64_t changed_ms = 0;
};

// Count and sum of the records with an amount in one currency.
struct money_total {
  std::string currency;
  std::int64_t minor = 0;
  std::int64_t count = 0;
};

struct token_row {
  std::string id, role, note;
  base::hash256 hash{};
  std::int64_t created_ms = 0;
  std::string origin;  // of the page that may use it; empty: programs
};

// How a record comes into the journal.
struct journal_entry {
  std::string kind;
  std::string body;
  std::optional<base::money> amount;  // what it adds to the backlog in money
};

// Where the journal ends as a transaction sees it, and what the transaction did to get there. Kept in memory,
// so that the end of a group asks the database nothing.
struct journal_end {
  base::chain_head head;
  // What the oldest record chains to: the beginning, the head of the till that was replaced, or the last
  // record that was moved into a file; with the sums up to there.
  base::chain_head beginning;
  std::vector<money_total> totals_before;
  std::vector<money_total> totals;           // over all records, one for each currency
  std::optional<std::int64_t> first_new_ms;  // when the first record of this transaction happened
  bool operations_became_unknown = false;    // in this transaction
  std::size_t rows_written = 0;              // of written() as it stood then
};

// What a row that was written must look like when it is read again: enough to tell that it is there, and that
// it is the newest one under its key.
struct row_trace {
  std::uint64_t row = 0;                             // digest of table and key
  std::optional<std::array<std::uint8_t, 8>> check;  // nothing: it was removed
};

// Where the journal of a database begins, and the sums up to there; as journal_end has it.
struct journal_beginning {
  base::chain_head at;
  std::vector<money_total> totals;
};
// Of a database that nobody uses as a till's: a copy. [the thread that owns the connection]
base::result<journal_beginning> beginning_in(base::database& db);

// The record that says that nobody knows what became of an operation.
journal_entry unknown_note(const operation_row& row);

class rows {
 public:
  static base::result<std::unique_ptr<rows>> open(base::database& db, base::seal_keys& seals,
                                                  std::string till, const base::clock& clock);

  // For what goes through all rows or copies them.
  base::database& database() { return db_; }

  // The end of the chain as this transaction sees it.
  const base::chain_head& head() const { return end_.head; }
  const journal_end& end() const { return end_; }
  // A transaction begins; what it does counts from here.
  void note_beginning() {
    end_.first_new_ms.reset();
    end_.operations_became_unknown = false;
  }
  // After a rollback: back to what is durable.
  void set_end(const journal_end& e) {
    end_ = e;
    written_.resize(std::min(written_.size(), e.rows_written));
  }

  // The rows beside the journal that were written since forget_written(), in that order. Whoever has to copy
  // a file that is not trusted any more holds the copy against them.
  const std::vector<row_trace>& written() const { return written_; }
  // What is written stands in the file itself, flushed.
  void forget_written() {
    written_.clear();
    end_.rows_written = 0;
  }

  base::result<base::record_header> append(const journal_entry& entry);

  // A new device goes on behind the last record of the one that it replaces; `head` has its own epoch. Only
  // in a journal without records: internal in any other.
  base::result<> begin_behind(const base::chain_head& head);
  // Takes the records up to and with `last` out of the journal, all or none; the chain is verified from there
  // on. The caller has them in a durable file. record_gap when `last` is not a record of the journal, or its
  // newest.
  base::result<> remove_up_to(const base::chain_head& last);

  base::result<std::vector<base::record>> read(std::uint64_t from, std::uint64_t count_max,
                                               std::size_t octets_max);
  base::result<std::optional<base::record>> last_record();
  // When record `sequence` happened; nothing when it does not exist.
  base::result<std::optional<std::int64_t>> happened_ms(std::uint64_t sequence);
  // Sums of all records up to and with `sequence`.
  base::result<std::vector<money_total>> totals_at(std::uint64_t sequence);

  base::result<std::optional<operation_row>> find_operation(const operation_key& key);
  base::result<std::optional<operation_row>> find_operation(const base::uuid& id);
  // Inserts or replaces. `seal` keeps the answer under a key of its own.
  base::result<> put_operation(const operation_row& row, bool seal = false);
  // Operations that were running when the process died: nobody knows whether their device acted.
  base::result<std::vector<operation_row>> mark_running_as_unknown();
  base::result<std::vector<operation_row>> unknown_operations(int count_max);
  base::result<std::uint64_t> count_unknown();

  base::result<std::optional<base::byte_string>> find_witness(const std::string& destination,
                                                              std::uint64_t& sequence);
  base::result<> put_witness(const std::string& destination, base::byte_view witness, std::uint64_t sequence);

  base::result<std::optional<base::byte_string>> find_state(const std::string& instance,
                                                            const std::string& key);
  base::result<> put_state(const std::string& instance, const std::string& key, base::byte_view value);
  base::result<> remove_state(const std::string& instance, const std::string& key);
  // Keys in the order of their octets, with this prefix and behind `after`.
  base::result<std::vector<std::string>> list_state(const std::string& instance, const std::string& prefix,
                                                    const std::string& after, int count_max);

  base::result<std::vector<token_row>> tokens();
  base::result<> put_token(const token_row& row);
  base::result<bool> remove_token(const std::string& id);

  base::result<std::optional<base::byte_string>> find_fact(const std::string& name);
  base::result<> put_fact(const std::string& name, base::byte_view value);

 private:
  struct statements;
  rows(base::database& db, base::seal_keys& seals, std::string till, const base::clock& clock);
  base::result<> load_end();
  base::result<> load_beginning();
  base::result<> put_beginning();
  base::result<operation_row> read_operation(base::statement& s);
  // Remembers a row that was written, unless writing failed.
  base::result<> note(base::result<> done, row_trace what);

  base::database& db_;
  base::seal_keys& seals_;
  std::string till_;
  const base::clock& clock_;
  journal_end end_;
  std::vector<row_trace> written_;
  std::shared_ptr<statements> sql_;
};

}  // namespace tilld::daemon
