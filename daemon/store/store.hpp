// The one door to the till's database: pieces of work are gathered into groups, a group is one transaction
// with one flush, and nobody learns of success before the flush returned.
//
// While the disk is fast the group runs on the I/O thread, after all ready reads were taken: a hop to another
// thread costs half a flush. When the disk is slow (the median of the last commits is 2 ms or more) the
// groups run on a thread that owns the connection meanwhile, so that scans, prints and status go on. The
// change is made between two groups; the figures behind it stand in docs/durability.md.
//
// When a flush fails the file is finished. Everything is copied to a fresh one, slice by slice between groups
// that only read, and held against what was acknowledged; whoever wanted to write waits meanwhile and is then
// served from the fresh file. When that fails too, nothing is written any more (fresh_copy.hpp).
//
// What status answers need (head, sums, cursors) is kept in memory and always shows durable state. [I/O
// thread]
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "daemon/store/fresh_copy.hpp"
#include "daemon/store/rows.hpp"

namespace tilld::daemon {

// How a piece of work changes the database.
enum class work_kind {
  reads,       // changes nothing; runs even when the disk failed
  housekeeps,  // changes rows, but never the journal: allowed on a full disk, since it helps to drain it
  books,       // may append to the journal; refused while the disk is full
};

// What waits for a destination.
struct backlog {
  std::string destination;
  std::uint64_t records = 0;
  std::vector<money_total> money;         // per currency: count of sales and their sum
  std::optional<std::int64_t> oldest_ms;  // when the first waiting record happened
  std::uint64_t acknowledged = 0;         // last record that the destination has
  base::byte_string witness;  // what was stored with the last acknowledgement; empty before the first
};

class store {
 public:
  struct options {
    std::string folder;  // journal.db, the keys and the ballast lie here, mode 0700
    std::string till;
    std::vector<std::string> destinations;
    // Octets of the disk below which new sales are refused, before there is no room for anything; 0: none.
    std::uint64_t keep_free = 0;
    const char* vfs = nullptr;  // for tests that hold or fail a flush
    enum class threads { adaptive, always_io_thread, always_own_thread } where = threads::adaptive;
  };

  // Opens or makes the database, verifies the tail of the chain and marks operations that were running as
  // unknown. `clock` is used by whichever thread runs a group and by no other.
  static base::result<std::unique_ptr<store>> open(boost::asio::any_io_executor executor,
                                                   const base::clock& clock, options how);
  ~store();

  using work = std::function<base::result<>(rows&)>;
  using done = std::function<void(base::result<>)>;

  // Runs `w` in the next group; `d` is called on the I/O thread after the group's flush, in the order of
  // submission. A piece of work that fails leaves no trace in the database and does not touch its neighbours;
  // for that `w` may be run twice, the first time undone, so it sets what it yields and adds nothing up.
  void submit(work_kind kind, work w, done d);

  // The same for coroutines.
  boost::asio::awaitable<base::result<>> run(work_kind kind, work w);

  // Durable state.
  const base::chain_head& head() const { return end_.head; }
  // What the oldest record in the journal chains to.
  const base::chain_head& beginning() const { return end_.beginning; }
  std::vector<backlog> backlogs() const;
  // The destination must be one of the options.
  const base::byte_string& witness_of(std::string_view destination) const;
  bool full() const { return full_; }
  // Less is free than is to be kept free: what may append to the journal is refused, all else goes on.
  bool low() const { return low_; }
  std::uint64_t free_octets() const { return free_; }
  std::uint64_t kept_free() const { return how_.keep_free; }
  // Asks the file system how much is free. The store does before it appends, twice a second at most; whoever
  // wants to tell how it stands now calls this first.
  void look_at_room();
  // Rows that were damaged when the store was opened, and what it did without.
  const std::vector<damage>& damaged_at_start() const { return damaged_; }
  // The disk failed and so did the way around it: nothing is written any more.
  bool failed() const { return failed_; }
  // A flush failed, and everything is being copied to a fresh file; who wants to write waits.
  bool copying() const { return copying_; }
  std::uint64_t fresh_copies() const { return fresh_copies_; }  // since the start
  bool on_own_thread() const { return own_thread_; }
  std::uint64_t commits() const { return commits_; }
  // Operations of which nobody knows what became of them; a person may have to look.
  std::uint64_t unknown_operations() const { return unknown_operations_; }
  const std::vector<operation_row>& became_unknown() const { return became_unknown_; }

  // Called on the I/O thread after each group that made the journal longer.
  std::function<void()> on_grown;

  // Stores what a destination acknowledged; the backlog shrinks when it is durable.
  void acknowledge(const std::string& destination, base::byte_string witness, std::uint64_t sequence, done d);

 private:
  struct item {
    work_kind kind;
    work what;
    done then;
    base::result<> outcome;
    bool waits = false;  // for a fresh file, to be run there
  };
  // A group's result, filled by whichever thread ran it.
  struct group {
    std::vector<item> items;
    journal_end end;
    std::uint64_t unknown_operations = 0;  // at first as before the group
    bool wrote = false, full = false, failed = false;
    bool low = false;         // as an order
    bool distrusted = false;  // the file is; as an order: copy a slice
    std::uint64_t fresh_copies = 0;
    std::chrono::nanoseconds commit_time{};
    boost::asio::any_io_executor loop_stays;  // work that is announced while another thread has the group
  };

  store(boost::asio::any_io_executor executor, options how);
  base::result<> load(const base::clock& clock);
  base::result<> mark_interrupted(bool with_notes);
  base::result<> load_backlogs();
  void schedule();
  void start_group();
  enum class undoing { the_group, a_piece };
  bool run_pieces(group& g, undoing what);
  void run_group(group& g);
  void run_writers(group& g);
  void fail_writers(group& g, const base::error& why);
  void checkpoint_when_due(group& g);
  void judge_the_file(group& g);
  void copy_slice(group& g);
  base::result<bool> copy_next_slice();
  base::result<> change_to_fresh_file();
  void finish_group();
  void note_commit_time(std::chrono::nanoseconds t);
  void thread_loop();

  boost::asio::any_io_executor executor_;
  options how_;
  std::unique_ptr<base::database> db_;
  std::unique_ptr<base::seal_keys> seals_;
  std::unique_ptr<rows> rows_;
  base::ballast ballast_;

  // Of whoever owns the connection.
  const base::clock* clock_ = nullptr;
  std::unique_ptr<fresh_copy> copy_;
  std::uint64_t settled_ = 0;  // the last record when the log was last moved into the file
  int failed_copies_ = 0, copies_without_a_commit_ = 0;
  bool given_up_ = false;

  std::deque<item> waiting_;
  std::unique_ptr<group> running_;
  bool scheduled_ = false;

  journal_end end_;
  std::vector<backlog> backlogs_;
  std::map<std::string, std::map<std::string, money_total>> totals_at_cursor_;
  std::vector<operation_row> became_unknown_;
  std::vector<damage> damaged_;
  bool full_ = false, failed_ = false, copying_ = false, low_ = false, own_thread_ = false;
  std::uint64_t free_ = 0;
  std::chrono::steady_clock::time_point looked_at_room_{};
  std::uint64_t fresh_copies_ = 0, commits_ = 0, unknown_operations_ = 0;
  std::deque<std::chrono::nanoseconds> commit_times_;

  std::thread thread_;
  std::mutex mutex_;
  std::condition_variable given_;
  group* given_group_ = nullptr;
  bool stopping_ = false;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace tilld::daemon
