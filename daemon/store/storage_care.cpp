#include "daemon/store/storage_care.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <ctime>
#include <filesystem>

#include <boost/asio/post.hpp>

#include "base/file.hpp"
#include "base/log.hpp"
#include "daemon/store/schema_check.hpp"

namespace tilld::daemon {

using base::errc;
using base::error;
using base::result;
using std::chrono::steady_clock;

std::span<const base::migration> journal_migrations();

namespace {

constexpr int rows_of_a_check_slice = 200;
constexpr int pages_of_a_backup_slice = 128;
constexpr auto care_day = std::chrono::hours(24);
constexpr auto backup_retry = std::chrono::hours(1);
constexpr std::size_t damage_kept_max = 100;

std::string backup_name(std::int64_t unix_ms) {
  std::time_t seconds = static_cast<std::time_t>(unix_ms / 1000);
  std::tm utc{};
  gmtime_r(&seconds, &utc);
  char text[64];
  std::strftime(text, sizeof text, "journal-%Y%m%d-%H%M%S.db", &utc);
  return text;
}

result<> flush_file(const std::string& path) {
  base::unique_fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd || ::fsync(fd.get()) != 0)
    return error{errc::storage_failed, "flush " + path + ": " + base::errno_text(errno)};
  return {};
}

// Everything that the copy holds, against its chain and its checks.
result<> verify_copy(const std::string& path, const std::string& till) {
  base::database::options how;
  how.create = false;
  auto db = base::database::open(path, journal_migrations(), how);
  if (!db) return db.error();
  auto last = (*db)->prepare("SELECT coalesce(max(sequence), 0) FROM journal");
  if (!last) return last.error();
  auto row = last->step();
  if (!row) return row.error();
  auto head = static_cast<std::uint64_t>(last->integer(0));
  last->reset();
  std::vector<damage> found;
  auto beginning = beginning_in(**db);
  if (!beginning) return beginning.error();
  journal_walk journal(till, *beginning);
  for (bool more = head > beginning->at.sequence; more && found.empty();) {
    auto went = journal.next(**db, rows_of_a_check_slice, head, found);
    if (!went) return went.error();
    more = *went;
  }
  row_walk rows;
  while (found.empty()) {
    auto seen = rows.next(**db, rows_of_a_check_slice);
    if (!seen) return seen.error();
    if (seen->empty()) break;
    for (auto& r : *seen)
      if (!r.whole) found.push_back({r.name, "its check does not fit", 0});
  }
  if (!found.empty()) return error{errc::journal_damaged, found[0].what + ": " + found[0].why};
  return {};
}

// Names that end in the time sort by it.
void remove_old_backups(const std::string& folder, std::size_t kept) {
  std::vector<std::string> all;
  std::error_code ignored;
  for (auto& entry : std::filesystem::directory_iterator(folder, ignored)) {
    auto name = entry.path().filename().string();
    if (name.starts_with("journal-") && name.ends_with(".db")) all.push_back(entry.path().string());
  }
  std::sort(all.begin(), all.end());
  for (std::size_t i = 0; i + kept < all.size(); ++i) ::unlink(all[i].c_str());
}

// A page of the table that is gone as a whole leaves rows behind that are all right; the index still knows
// the others. False when it knows none behind `after`.
result<bool> find_missing_operations(base::database& db, base::byte_string& after,
                                     std::vector<damage>& found) {
  auto known = db.prepare(
      "SELECT i.id, EXISTS (SELECT 1 FROM operation AS o NOT INDEXED WHERE (o.principal, o.method, o.key, "
      "o.id) = "
      "(i.principal, i.method, i.key, i.id)) FROM (SELECT id, principal, method, key FROM operation INDEXED "
      "BY "
      "operation_by_id WHERE id > ? ORDER BY id LIMIT ?) AS i");
  if (!known) return known.error();
  known->bind(after, rows_of_a_check_slice);
  bool any = false;
  for (;;) {
    auto row = known->step();
    if (!row) return row.error();
    if (!*row) return any;
    auto id = known->blob(0);
    if (known->integer(1) == 0) found.push_back({"operation " + base::to_hex(id), "is missing", 0});
    after.assign(id.begin(), id.end());
    any = true;
  }
}

}  // namespace

struct storage_care::check_in_hand {
  explicit check_in_hand(const std::string& till) : journal(till) {}
  journal_walk journal;
  row_walk rows;
  std::uint64_t up_to = 0;
  bool begun = false, journal_done = false, rows_done = false, done = false;
  base::byte_string last_id;  // of an operation that the index knows
  std::vector<damage> found;
};

// Used by the thread that owns the connection, one slice after the other.
struct storage_care::backup_in_hand {
  std::string partial;
  base::database* of = nullptr;
  std::unique_ptr<base::database_backup> copy;
  bool complete = false;
};

storage_care::storage_care(boost::asio::any_io_executor executor, store& journal, const base::clock& clock,
                           settings how)
    : executor_(std::move(executor)),
      journal_(journal),
      clock_(clock),
      how_(std::move(how)),
      timer_(executor_),
      next_check_(steady_clock::now()),
      next_backup_(next_check_),
      last_slice_(next_check_) {}

storage_care::~storage_care() {
  stop();
  aside_.join();
}

void storage_care::start() {
  check_.damaged = journal_.damaged_at_start();
  wait(how_.idle_pause);
}

void storage_care::stop() {
  *alive_ = false;
  timer_.cancel();
}

void storage_care::wait(std::chrono::milliseconds pause) {
  timer_.expires_after(pause);
  timer_.async_wait([this, alive = alive_](boost::system::error_code cancelled) {
    if (!cancelled && *alive) turn();
  });
}

void storage_care::turn() {
  if (slice_in_hand_) return;  // who ends it waits
  auto now = steady_clock::now();
  bool due_check = checking_ || now >= next_check_;
  bool due_backup = makes_backups() && (copying_ || now >= next_backup_);
  if (!due_check && !due_backup) {
    auto next = makes_backups() ? std::min(next_check_, next_backup_) : next_check_;
    return wait(std::chrono::ceil<std::chrono::milliseconds>(next - now));
  }
  bool sells = journal_.commits() != commits_seen_;
  commits_seen_ = journal_.commits();
  if (sells && now - last_slice_ < how_.busy_pause) return wait(how_.idle_pause);
  last_slice_ = now;
  slice_in_hand_ = true;
  if (due_check && (!due_backup || !copying_)) return check_slice();
  backup_slice();
}

void storage_care::check_slice() {
  if (!checking_) {
    checking_ = std::make_shared<check_in_hand>(how_.till);
    check_.now = state::running;
    check_.records = 0;
    check_.damaged = journal_.damaged_at_start();
  }
  auto slice = [c = checking_](rows& in) -> result<> {
    if (!c->begun) {
      c->begun = true;
      c->up_to = in.head().sequence;
      auto made = has_schema_of(in.database(), journal_migrations());
      if (!made) return made.error();
      if (!*made) c->found.push_back({"the schema", "is not what the migrations make", 0});
    }
    if (!c->journal_done) {
      c->journal.skip_to({in.end().beginning, in.end().totals_before});
      c->journal_done = c->journal.at().sequence >= c->up_to;
      if (c->journal_done) return {};
      auto more = c->journal.next(in.database(), rows_of_a_check_slice, c->up_to, c->found);
      if (!more && more.error().code != errc::journal_damaged) return more.error();
      if (!more) c->journal.step_over(more.error().detail, c->found);
      c->journal_done = c->journal.at().sequence >= c->up_to;
      return {};
    }
    if (c->rows_done) {
      auto more = find_missing_operations(in.database(), c->last_id, c->found);
      if (!more && more.error().code != errc::journal_damaged) return more.error();
      if (!more) c->found.push_back({"the index of operations", more.error().detail, 0});
      c->done = !more || !*more;
      return {};
    }
    auto seen = c->rows.next(in.database(), rows_of_a_check_slice);
    if (!seen && seen.error().code != errc::journal_damaged) return seen.error();
    if (!seen) {
      c->found.push_back({"the table " + std::string(c->rows.table()), seen.error().detail, 0});
      c->rows.next_table();
      return {};
    }
    c->rows_done = seen->empty();
    for (auto& row : *seen)
      if (!row.whole) c->found.push_back({row.name, "its check does not fit", 0});
    return {};
  };
  journal_.submit(work_kind::reads, std::move(slice), [this, alive = alive_](result<> outcome) {
    if (!*alive) return;
    slice_in_hand_ = false;
    check_.records = checking_->journal.looked_at();
    for (auto& d : checking_->found) {
      base::log(base::log_level::error, "Something that is stored is damaged",
                error{errc::journal_damaged, d.what + ": " + d.why});
      if (check_.damaged.size() < damage_kept_max) check_.damaged.push_back(d);
    }
    checking_->found.clear();
    // A disk that does not read is the store's business; there is another look later.
    if (!outcome || checking_->done) check_ended();
    wait(how_.idle_pause);
  });
}

void storage_care::check_ended() {
  check_.now = checking_->done ? state::done : state::waiting;
  if (checking_->done) {
    check_.finished_ms = clock_.unix_ms();
    base::log(base::log_level::info, "Everything that is stored was looked at",
              {{"records", check_.records}, {"damaged", check_.damaged.size()}});
  }
  checking_.reset();
  next_check_ = steady_clock::now() + care_day;
}

void storage_care::backup_slice() {
  if (!copying_) {
    copying_ = std::make_shared<backup_in_hand>();
    copying_->partial = how_.backup_folder + "/journal.partial";
    backup_.now = state::running;
  }
  auto slice = [c = copying_](rows& in) -> result<> {
    if (!c->of) {
      c->of = &in.database();
      auto begun = base::database_backup::begin(in.database(), c->partial);
      if (!begun) return begun.error();
      c->copy = std::move(*begun);
    }
    if (c->of != &in.database() || in.database().failed()) {
      c->copy.reset();
      return error{errc::storage_failed, "the journal moved to another file meanwhile"};
    }
    auto complete = c->copy->step(pages_of_a_backup_slice);
    if (!complete || *complete) c->copy.reset();
    if (!complete) return complete.error();
    c->complete = *complete;
    return {};
  };
  journal_.submit(work_kind::reads, std::move(slice), [this, alive = alive_](result<> outcome) {
    if (!*alive) return;
    if (!outcome) return backup_ended(std::move(outcome));
    if (copying_->complete) return verify_backup();
    slice_in_hand_ = false;
    wait(how_.idle_pause);
  });
}

// On a thread of its own: a second disk may be slow, and nothing waits for it.
void storage_care::verify_backup() {
  auto work = [this, alive = alive_, partial = copying_->partial, till = how_.till, kept = how_.backups_kept,
               folder = how_.backup_folder, name = backup_name(clock_.unix_ms()), loop = executor_] {
    auto outcome = flush_file(partial);
    if (outcome) outcome = verify_copy(partial, till);
    if (outcome) outcome = flush_file(partial);
    if (outcome && ::rename(partial.c_str(), (folder + "/" + name).c_str()) != 0)
      outcome = error{errc::storage_failed, "rename " + partial + ": " + base::errno_text(errno)};
    if (outcome) outcome = base::sync_folder_of(partial);
    if (outcome) remove_old_backups(folder, kept);
    boost::asio::post(loop, [this, alive, name, outcome] {
      if (!*alive) return;
      if (outcome) backup_.file = name;
      backup_ended(outcome);
    });
  };
  boost::asio::post(aside_, std::move(work));
}

void storage_care::backup_ended(result<> outcome) {
  slice_in_hand_ = false;
  auto now = steady_clock::now();
  if (outcome) {
    backup_.now = state::done;
    backup_.why.clear();
    backup_.finished_ms = clock_.unix_ms();
    next_backup_ = now + how_.backup_every;
    base::log(base::log_level::info, "The journal was copied", {{"file", backup_.file}});
  } else {
    backup_.now = state::failed;
    backup_.why = outcome.error().detail;
    for (auto* part : {"", "-wal", "-journal"}) ::unlink((copying_->partial + part).c_str());
    next_backup_ = now + std::min<steady_clock::duration>(how_.backup_every, backup_retry);
    base::log(base::log_level::error, "The journal could not be copied to the second folder",
              outcome.error());
  }
  copying_.reset();
  wait(how_.idle_pause);
}

}  // namespace tilld::daemon
