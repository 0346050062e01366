#include "daemon/store/store.hpp"

#include <sys/statvfs.h>

#include <algorithm>
#include <cassert>
#include <limits>

#include <boost/asio/post.hpp>

#include "base/crypto.hpp"
#include "base/log.hpp"
#include "base/step.hpp"

namespace tilld::daemon {

using base::errc;
using base::error;
using base::result;

std::span<const base::migration> journal_migrations();

namespace {

constexpr std::size_t group_size_max = 1024;
constexpr std::size_t commit_times_kept = 9;
constexpr auto slow_commit = std::chrono::milliseconds(2);
constexpr auto fast_commit = std::chrono::milliseconds(1);
constexpr auto very_slow_commit = std::chrono::milliseconds(100);
constexpr auto look_at_room_every = std::chrono::milliseconds(500);
// A checkpoint flushes twice, and the log that begins anew behind it once more. At 256 pages that came every
// third commit of a busy shop, and was more than half of all its flushes; the pages of an hour are also
// written to the file once instead of a dozen times. More than 4 MiB would make the checkpoint the longest
// wait of a sale.
constexpr int wal_pages_before_checkpoint = 1024;
// Read and hashed before the first answer, so a start with a long journal takes a few milliseconds more than
// one with none. What was written since the last checkpoint lies in the log, which has checksums of its own.
constexpr std::uint64_t tail_verified_at_start = 256;

// A bug in a piece of work undoes that piece and ends neither the thread nor the group.
result<> run_safely(const store::work& what, rows& in) {
  try {
    return what(in);
  } catch (const std::exception& bug) {
    base::log(base::log_level::error, "A piece of work ended with an exception", {{"what", bug.what()}});
    return error{errc::internal, "a piece of work for the database ended with an exception"};
  }
}

// A till that cannot count this start cannot forward either: central could not tell it from a copy of itself.
// So there is nothing for it to do but to say so.
result<> is_writable(const std::string& folder) {
  struct statvfs fs {};
  if (::statvfs(folder.c_str(), &fs) == 0 && (fs.f_flag & ST_RDONLY))
    return error{errc::storage_failed,
                 folder +
                     " is on a file system that is mounted read-only, often because its "
                     "disk failed; repair or replace it and mount it again"};
  return {};
}

// Sums at the edge of what a number holds are shown as that edge.
std::int64_t difference(std::int64_t a, std::int64_t b) {
  std::int64_t d = 0;
  if (!__builtin_sub_overflow(a, b, &d)) return d;
  return a < 0 ? std::numeric_limits<std::int64_t>::min() : std::numeric_limits<std::int64_t>::max();
}

}  // namespace

store::store(boost::asio::any_io_executor executor, options how)
    : executor_(std::move(executor)), how_(std::move(how)), ballast_(how_.folder + "/ballast") {
  own_thread_ = how_.where != options::threads::always_io_thread;  // until the disk has shown that it is fast
}

result<std::unique_ptr<store>> store::open(boost::asio::any_io_executor executor, const base::clock& clock,
                                           options how) {
  std::unique_ptr<store> s(new store(std::move(executor), std::move(how)));
  s->clock_ = &clock;
  if (auto writable = is_writable(s->how_.folder); !writable) return writable.error();
  if (auto settled = settle_files(s->how_.folder); !settled) return settled.error();
  base::database::options db_options;
  db_options.vfs = s->how_.vfs;
  auto db = base::database::open(s->how_.folder + "/journal.db", journal_migrations(), db_options);
  if (!db) return db.error();
  s->db_ = std::move(*db);
  auto seals = base::seal_keys::open(s->how_.folder + "/sealed.keys");
  if (!seals) return seals.error();
  s->seals_ = std::make_unique<base::seal_keys>(std::move(*seals));
  s->ballast_.restore();
  s->look_at_room();
  if (auto loaded = s->load(clock); !loaded) return loaded.error();
  if (s->how_.where != options::threads::always_io_thread)
    s->thread_ = std::thread([self = s.get()] { self->thread_loop(); });
  return s;
}

result<> store::load(const base::clock& clock) {
  auto opened = rows::open(*db_, *seals_, how_.till, clock);
  if (!opened) return opened.error();
  rows_ = std::move(*opened);
  end_ = rows_->end();

  // The tail is what a crash or a dying disk damages first. The rest is verified on request and in the
  // background.
  auto last = end_.head.sequence;
  auto from = last > tail_verified_at_start ? last - tail_verified_at_start : 0;
  auto at = end_.beginning;
  if (from > at.sequence) {
    at = {1, from, {}};
    auto before = rows_->read(from, 1, 1);
    if (!before) return before.error();
    if (before->empty())
      return error{errc::journal_damaged, "record " + std::to_string(from) + " is missing"};
    at.hash = before->front().hash;
  }
  base::chain_follower follower(how_.till, at);
  while (follower.head().sequence < last) {
    auto some = rows_->read(follower.head().sequence + 1, 256, 4 << 20);
    if (!some) return some.error();
    if (some->empty()) return error{errc::journal_damaged, "the journal ends before its head"};
    for (auto& r : *some)
      if (auto taken = follower.take(r); !taken) return error{errc::journal_damaged, taken.error().detail};
  }

  settled_ = from;
  // The last process wrote here when a flush failed, and the kernel is still the same one.
  if (is_distrusted(how_.folder))
    for (;;) {
      auto copied = copy_next_slice();
      if (!copied) return copied.error();
      if (!*copied) continue;
      if (auto changed = change_to_fresh_file(); !changed) return changed.error();
      base::log(base::log_level::warning, "The last flush had failed; the journal goes on in a fresh file");
      fresh_copies_ = 1;
      break;
    }

  auto marked = mark_interrupted(true);
  // A full disk must not keep the till from starting; then the rows alone are changed.
  if (!marked && marked.error().code == errc::storage_full) marked = mark_interrupted(false);
  if (!marked) return marked.error();
  end_ = rows_->end();
  auto unknown = rows_->count_unknown();
  if (!unknown) return unknown.error();
  unknown_operations_ = *unknown;
  return load_backlogs();
}

// What was running when the process died becomes unknown, and the journal says so in the same transaction.
result<> store::mark_interrupted(bool with_notes) {
  auto before = rows_->end();
  if (auto begun = db_->begin(); !begun) return begun.error();
  auto undo = [&](const error& why) {
    db_->rollback();
    rows_->set_end(before);
    return why;
  };
  auto unknown = rows_->mark_running_as_unknown();
  if (!unknown) return undo(unknown.error());
  if (with_notes)
    for (auto& row : *unknown)
      if (auto noted = rows_->append(unknown_note(row)); !noted) return undo(noted.error());
  if (auto committed = db_->commit(); !committed) return undo(committed.error());
  became_unknown_ = std::move(*unknown);
  return {};
}

result<> store::load_backlogs() {
  auto by_currency = [](const std::vector<money_total>& list) {
    std::map<std::string, money_total> map;
    for (auto& t : list) map[t.currency] = t;
    return map;
  };
  for (auto& name : how_.destinations) {
    std::uint64_t sequence = 0;
    base::byte_string witness;
    if (auto found = rows_->find_witness(name, sequence)) {
      if (*found) witness = std::move(**found);
    } else if (found.error().code == errc::journal_damaged) {
      // Losing it costs no record: the destination says what it has.
      damaged_.push_back({"cursor of destination " + name, "its check does not fit; it begins anew", 0});
      sequence = 0;
    } else {
      return found.error();
    }
    // What another device had under this name before, this one has not to send.
    sequence = std::max(sequence, end_.beginning.sequence);
    auto at = rows_->totals_at(sequence);
    if (!at) return at.error();
    auto oldest = rows_->happened_ms(sequence + 1);
    if (!oldest) return oldest.error();
    totals_at_cursor_[name] = by_currency(*at);
    backlogs_.push_back({name, 0, {}, *oldest, sequence, std::move(witness)});
  }
  return {};
}

store::~store() {
  *alive_ = false;
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  given_.notify_all();
  if (thread_.joinable()) thread_.join();
  if (db_ && !db_->failed()) (void)db_->checkpoint();
}

std::vector<backlog> store::backlogs() const {
  auto all = backlogs_;
  for (auto& b : all) {
    b.records = head().sequence > b.acknowledged ? head().sequence - b.acknowledged : 0;
    if (b.records == 0) b.oldest_ms.reset();
    auto& before = totals_at_cursor_.at(b.destination);
    for (auto& total : end_.totals) {
      auto waiting = total;
      if (auto at = before.find(total.currency); at != before.end()) {
        waiting.minor = difference(waiting.minor, at->second.minor);
        waiting.count -= at->second.count;
      }
      if (waiting.count != 0) b.money.push_back(waiting);
    }
  }
  return all;
}

const base::byte_string& store::witness_of(std::string_view destination) const {
  auto at =
      std::find_if(backlogs_.begin(), backlogs_.end(), [&](auto& b) { return b.destination == destination; });
  assert(at != backlogs_.end());
  return at->witness;
}

void store::submit(work_kind kind, work w, done d) {
  waiting_.push_back({kind, std::move(w), std::move(d), {}, false});
  schedule();
}

boost::asio::awaitable<result<>> store::run(work_kind kind, work w) {
  auto start = [this](auto handler, work_kind k, work what) {
    auto shared = std::make_shared<decltype(handler)>(std::move(handler));
    submit(k, std::move(what), [shared](result<> r) { (*shared)(std::move(r)); });
  };
  return boost::asio::async_initiate<const boost::asio::use_awaitable_t<>, void(result<>)>(
      start, boost::asio::use_awaitable, kind, std::move(w));
}

// Two turns of the loop: the first lets every handler that is ready run, the second everything that the
// kernel had ready meanwhile, so that what arrived together shares a flush.
void store::schedule() {
  if (scheduled_ || running_) return;
  scheduled_ = true;
  boost::asio::post(executor_, [this, alive = alive_] {
    if (!*alive) return;
    boost::asio::post(executor_, [this, alive] {
      if (!*alive) return;
      scheduled_ = false;
      start_group();
    });
  });
}

void store::start_group() {
  if (running_ || (waiting_.empty() && !copying_)) return;
  running_ = std::make_unique<group>();
  running_->distrusted = copying_;
  // While the journal is being copied only those go in who read.
  auto behind = waiting_.begin();
  if (copying_)
    behind = std::stable_partition(waiting_.begin(), waiting_.end(),
                                   [](auto& i) { return i.kind == work_kind::reads; });
  else
    behind = waiting_.end();
  auto count = std::min(static_cast<std::size_t>(behind - waiting_.begin()), group_size_max);
  std::move(waiting_.begin(), waiting_.begin() + static_cast<std::ptrdiff_t>(count),
            std::back_inserter(running_->items));
  waiting_.erase(waiting_.begin(), waiting_.begin() + static_cast<std::ptrdiff_t>(count));
  if (how_.keep_free > 0 && std::chrono::steady_clock::now() - looked_at_room_ >= look_at_room_every)
    look_at_room();
  running_->unknown_operations = unknown_operations_;
  running_->full = full_;
  running_->low = low_;
  if (!own_thread_) {
    run_group(*running_);
    finish_group();
    return;
  }
  // The loop must not run out of work while the thread has it.
  running_->loop_stays = boost::asio::prefer(executor_, boost::asio::execution::outstanding_work.tracked);
  {
    std::lock_guard lock(mutex_);
    given_group_ = running_.get();
  }
  given_.notify_one();
}

void store::thread_loop() {
  for (;;) {
    group* g = nullptr;
    {
      std::unique_lock lock(mutex_);
      given_.wait(lock, [&] { return given_group_ || stopping_; });
      if (!given_group_) return;
      g = std::exchange(given_group_, nullptr);
    }
    run_group(*g);
    boost::asio::post(executor_, [this, alive = alive_] {
      if (*alive) finish_group();
    });
  }
}

// False, where a failure cannot be undone alone, as soon as a piece of work has failed.
bool store::run_pieces(group& g, undoing what) {
  for (auto& i : g.items) {
    if (i.kind == work_kind::reads) continue;
    if (i.kind == work_kind::books && g.full) {
      i.outcome = error{errc::storage_full, "the disk is full; nothing was stored"};
      continue;
    }
    if (i.kind == work_kind::books && g.low) {
      i.outcome = error{errc::storage_full, "the disk is nearly full; what is left is kept for forwarding"};
      continue;
    }
    journal_end end;
    if (what == undoing::a_piece) {
      end = rows_->end();
      // Without a savepoint one piece of work could not be undone alone, so the whole group is.
      if (auto marked = db_->mark(); !marked) {
        db_->rollback();
        return true;
      }
    }
    i.outcome = run_safely(i.what, *rows_);
    if (!i.outcome) {
      if (what == undoing::the_group) return false;
      if (i.outcome.error().code == errc::storage_full) g.full = true;
      // An I/O error may have ended the transaction already; the savepoint is gone then, and so is everything
      // in it.
      if (!db_->in_transaction()) return true;
      if (auto undone = db_->back_to_mark(); !undone) {
        db_->rollback();
        return true;
      }
      rows_->set_end(end);
    }
    if (what == undoing::the_group) continue;
    if (auto released = db_->unmark(); !released) {
      db_->rollback();
      return true;
    }
  }
  return true;
}

// Runs on the thread that owns the connection now.
void store::run_group(group& g) {
  g.fresh_copies = 0;
  if (g.distrusted)
    copy_slice(g);
  else
    run_writers(g);
  // Reading comes last: inside the transaction it would see what the flush may still undo, and tell a till or
  // central.
  for (auto& i : g.items)
    if (i.kind == work_kind::reads) i.outcome = run_safely(i.what, *rows_);
  if (g.full) ballast_.release();
  g.end = rows_->end();
  // Where none is unknown and none has become so there is nothing to count.
  if (g.wrote && (g.unknown_operations > 0 || g.end.operations_became_unknown))
    if (auto count = rows_->count_unknown()) g.unknown_operations = *count;
  checkpoint_when_due(g);
  judge_the_file(g);
}

void store::fail_writers(group& g, const error& why) {
  for (auto& i : g.items)
    if (i.kind != work_kind::reads) i.outcome = why;
}

void store::run_writers(group& g) {
  rows_->note_beginning();
  if (std::all_of(g.items.begin(), g.items.end(), [](auto& i) { return i.kind == work_kind::reads; })) return;
  auto before = rows_->end();
  base::reach(base::step::intake_begun);
  if (g.full) {
    // Is there room again? The ballast comes back first: it is what lets the queue drain the next time.
    ballast_.restore();
    g.full = !ballast_.present();
  }
  auto begun = db_->begin();
  if (!begun) return fail_writers(g, begun.error());
  // A savepoint around each piece of work makes SQLite copy every page that it touches. Work hardly ever
  // fails, so the group is first run without; when one piece fails, all is undone and run again, each by
  // itself.
  if (!run_pieces(g, undoing::the_group)) {
    db_->rollback();
    rows_->set_end(before);
    begun = db_->begin();
    if (!begun) return fail_writers(g, begun.error());
    run_pieces(g, undoing::a_piece);
  }
  auto started = std::chrono::steady_clock::now();
  result<> committed;
  if (db_->in_transaction()) {
    base::reach(base::step::commit_begun);
    committed = db_->commit();
  } else {
    committed = error{errc::storage_failed, "the disk failed in the middle of a transaction"};
  }
  g.commit_time = std::chrono::steady_clock::now() - started;
  if (committed) {
    g.wrote = true;
    copies_without_a_commit_ = 0;
    base::reach(base::step::committed);
  } else {
    db_->rollback();
    rows_->set_end(before);
    if (committed.error().code == errc::storage_full) g.full = true;
    fail_writers(g, committed.error());
  }
}

void store::checkpoint_when_due(group& g) {
  if (db_->failed() || db_->wal_pages() < wal_pages_before_checkpoint) return;
  if (auto moved = db_->checkpoint(); !moved) {
    if (moved.error().code == errc::storage_full) g.full = true;
    base::log(base::log_level::error, "The checkpoint failed", moved.error());
  } else if (db_->wal_pages() == 0) {
    settled_ = rows_->head().sequence;
    rows_->forget_written();
    g.end.rows_written = 0;
  }
}

void store::finish_group() {
  auto g = std::move(running_);
  auto before = head().sequence;
  bool grown = g->end.head.sequence > before;
  end_ = std::move(g->end);
  if (g->full != full_)
    base::log(
        g->full ? base::log_level::error : base::log_level::info,
        g->full ? "The disk is full; new sales are refused" : "The disk has room again; sales are accepted");
  full_ = g->full;
  failed_ = g->failed;
  copying_ = g->distrusted;
  fresh_copies_ += g->fresh_copies;
  // A copy takes its time, and the disk has shown what it is.
  if (copying_ && how_.where == options::threads::adaptive) own_thread_ = true;
  unknown_operations_ = g->unknown_operations;
  if (grown)
    for (auto& b : backlogs_)
      if (b.acknowledged == before) b.oldest_ms = end_.first_new_ms;
  if (g->wrote) {
    ++commits_;
    note_commit_time(g->commit_time);
  }
  auto first_waiting =
      std::stable_partition(g->items.begin(), g->items.end(), [](auto& i) { return !i.waits; });
  for (auto at = g->items.end(); at != first_waiting;) {
    auto& i = *--at;
    waiting_.push_front({i.kind, std::move(i.what), std::move(i.then), {}, false});
  }
  g->items.erase(first_waiting, g->items.end());
  auto alive = alive_;
  for (auto& i : g->items) {
    if (i.then) i.then(std::move(i.outcome));
    if (!*alive) return;
  }
  if (grown && on_grown) on_grown();
  if (*alive && (!waiting_.empty() || copying_)) schedule();
}

// It takes an eighth more to sell again, so that a disk at the edge does not change its mind with every
// record.
void store::look_at_room() {
  looked_at_room_ = std::chrono::steady_clock::now();
  struct statvfs fs {};
  if (::statvfs(how_.folder.c_str(), &fs) != 0) return;
  free_ = static_cast<std::uint64_t>(fs.f_bavail) * fs.f_frsize;
  bool low = free_ < how_.keep_free + (low_ ? how_.keep_free / 8 : 0);
  if (low != low_)
    base::log(low ? base::log_level::error : base::log_level::info,
              low ? "The disk is nearly full; new sales are refused" : "The disk has room again",
              {{"free", free_}, {"kept_free", how_.keep_free}});
  low_ = low;
}

void store::note_commit_time(std::chrono::nanoseconds t) {
  commit_times_.push_back(t);
  if (commit_times_.size() > commit_times_kept) commit_times_.pop_front();
  if (how_.where != options::threads::adaptive) return;
  // Two thresholds, so that a disk in between does not make the store change its mind all day. One very slow
  // flush is enough to leave the I/O thread: the next may be as slow.
  bool leave = !own_thread_ && t >= very_slow_commit, come_back = false;
  if (commit_times_.size() == commit_times_kept) {
    auto sorted = std::vector(commit_times_.begin(), commit_times_.end());
    std::nth_element(sorted.begin(), sorted.begin() + commit_times_kept / 2, sorted.end());
    auto median = sorted[commit_times_kept / 2];
    leave = leave || (!own_thread_ && median >= slow_commit);
    come_back = own_thread_ && median < fast_commit;
  }
  if (leave || come_back) {
    own_thread_ = leave;
    commit_times_.clear();
    base::log(base::log_level::debug,
              leave ? "Commits move to their own thread" : "Commits move to the I/O thread");
  }
}

void store::acknowledge(const std::string& destination, base::byte_string witness, std::uint64_t sequence,
                        done d) {
  struct at_cursor {
    std::vector<money_total> totals;
    std::optional<std::int64_t> next_ms;
  };
  auto found = std::make_shared<at_cursor>();
  submit(
      work_kind::housekeeps,
      [destination, witness, sequence, found](rows& r) -> result<> {
        if (auto put = r.put_witness(destination, witness, sequence); !put) return put.error();
        auto totals = r.totals_at(sequence);
        if (!totals) return totals.error();
        found->totals = std::move(*totals);
        auto next = r.happened_ms(sequence + 1);
        if (!next) return next.error();
        found->next_ms = *next;
        return {};
      },
      [this, destination, witness, sequence, found, d = std::move(d)](result<> outcome) {
        if (outcome) {
          base::reach(base::step::cursor_stored);
          auto& totals = totals_at_cursor_[destination];
          totals.clear();
          for (auto& t : found->totals) totals[t.currency] = t;
          for (auto& b : backlogs_)
            if (b.destination == destination) {
              b.acknowledged = sequence;
              b.witness = witness;
              // A record that came later in the same group was not there yet when this was asked.
              b.oldest_ms =
                  !found->next_ms && head().sequence > sequence ? end_.first_new_ms : found->next_ms;
            }
        }
        if (d) d(std::move(outcome));
      });
}

}  // namespace tilld::daemon
