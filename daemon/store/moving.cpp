// What the store does once a flush has failed: the file is not trusted any more, everything is copied to a
// fresh one slice by slice, and the store goes on there. store.hpp says what that means for who wants to
// write.
#include "base/log.hpp"
#include "daemon/store/store.hpp"

namespace tilld::daemon {

using base::errc;
using base::error;
using base::result;

namespace {

// Two failures in a row are a disk, and not a moment.
constexpr int copies_tried_max = 2;

}  // namespace

// After a failed flush everybody who wrote waits for the fresh file, unless there will be none.
void store::judge_the_file(group& g) {
  g.failed = given_up_;
  g.distrusted = db_->failed() && !given_up_;
  if (!g.distrusted) return;
  if (!copy_) note_distrust(how_.folder);
  if (g.wrote) return;  // the flush that failed was that of a checkpoint
  for (auto& i : g.items) i.waits = i.kind != work_kind::reads;
}

void store::copy_slice(group& g) {
  auto copied = copy_next_slice();
  if (copied && !*copied) return;
  if (copied) {
    auto damaged = copy_->found();
    auto changed = change_to_fresh_file();
    if (changed) {
      g.fresh_copies = 1;
      failed_copies_ = 0;
      base::log(base::log_level::warning, "The journal goes on in a fresh file; the disk should be replaced",
                {{"records", rows_->head().sequence}, {"damaged_before", damaged.size()}});
      return;
    }
    copied = changed.error();
  }
  copy_.reset();
  base::log(base::log_level::error, "The journal could not be copied to a fresh file", copied.error());
  // Room for a second try, should that have been the reason.
  if (copied.error().code == errc::storage_full) ballast_.release();
  if (++failed_copies_ < copies_tried_max) return;
  given_up_ = true;
  base::log(base::log_level::error, "Nothing is stored any more", copied.error(),
            {{"hint", base::describe(errc::storage_failed).hint}});
}

result<bool> store::copy_next_slice() {
  if (!copy_) {
    // A disk that fails at every commit would be copied for ever.
    if (++copies_without_a_commit_ > copies_tried_max)
      return error{errc::storage_failed, "the fresh file failed before anything could be stored in it"};
    auto& end = rows_->end();
    acknowledged_state must_hold{
        how_.till, {end.beginning, end.totals_before}, end.head, settled_, rows_->written()};
    auto begun = fresh_copy::begin(how_.folder, *db_, how_.vfs, std::move(must_hold));
    if (!begun) return begun.error();
    copy_ = std::move(*begun);
  }
  return copy_->step();
}

result<> store::change_to_fresh_file() {
  auto fresh = copy_->put_in_place();
  if (!fresh) return fresh.error();
  auto opened = rows::open(**fresh, *seals_, how_.till, *clock_);
  if (!opened) return opened.error();
  if ((*opened)->head() != rows_->head())
    return error{errc::journal_damaged, "the fresh file does not end where the old one did"};
  copy_.reset();
  rows_ = std::move(*opened);  // before the connection that the old one reads from
  db_ = std::move(*fresh);
  settled_ = rows_->head().sequence;
  return {};
}

}  // namespace tilld::daemon
