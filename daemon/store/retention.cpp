#include "daemon/store/retention.hpp"

#include <algorithm>
#include <cstdio>

#include <boost/asio/post.hpp>

#include "base/checkpoint.hpp"
#include "base/file.hpp"
#include "base/log.hpp"
#include "base/step.hpp"
#include "wire/export_file.hpp"

namespace tilld::daemon {

using base::errc;
using base::error;
using base::result;

namespace {

constexpr auto look_at_age_every = std::chrono::minutes(10);
constexpr std::int64_t day_ms = 86'400'000;
// Of records that are read in one piece of work; a sale waits for no more than that.
constexpr std::uint64_t gathered_at_once = 100;
constexpr std::size_t gathered_octets_max = 1 << 20;

}  // namespace

// What is on its way out of the journal.
struct retention::segment {
  base::chain_head before;  // what its first record chains to
  base::chain_head last;
  std::vector<base::record> records;
  std::string path;
};

std::string segment_name(const std::string& till, std::uint64_t first, std::uint64_t last) {
  char numbers[64];
  std::snprintf(numbers, sizeof numbers, "-%012llu-%012llu.tilld", static_cast<unsigned long long>(first),
                static_cast<unsigned long long>(last));
  return till + numbers;
}

retention::retention(boost::asio::any_io_executor executor, boost::asio::any_io_executor aside,
                     store& journal, const base::signing_key& key, const base::clock& clock, options how)
    : executor_(executor),
      aside_(std::move(aside)),
      timer_(executor),
      journal_(journal),
      key_(key),
      clock_(clock),
      how_(std::move(how)) {}

retention::~retention() { *alive_ = false; }

void retention::start() {
  if (how_.days == 0 || how_.destinations.empty()) return;
  look();
  arm();
}

void retention::stop() {
  stopped_ = true;
  timer_.cancel();
}

void retention::arm() {
  timer_.expires_after(look_at_age_every);
  timer_.async_wait([this, alive = alive_](boost::system::error_code stopped) {
    if (stopped || !*alive) return;
    look();
    arm();
  });
}

std::uint64_t retention::signed_by_all() const {
  std::uint64_t all = how_.destinations.empty() ? 0 : journal_.head().sequence;
  for (auto& b : journal_.backlogs())
    if (std::find(how_.destinations.begin(), how_.destinations.end(), b.destination) !=
        how_.destinations.end())
      all = std::min(all, b.witness.empty() ? 0 : b.acknowledged);
  return all;
}

void retention::look() {
  if (busy_ || stopped_ || how_.days == 0) return;
  auto s = std::make_shared<segment>();
  s->before = journal_.beginning();
  s->last.sequence = s->before.sequence + how_.segment_records;
  // The newest record stays: the next one chains to it.
  if (s->last.sequence > signed_by_all() || s->last.sequence >= journal_.head().sequence) return;
  busy_ = true;
  judge(std::move(s));
}

// Its newest record decides about its age. A clock that jumps makes it early or late by that much, and
// nothing is lost by either.
void retention::judge(std::shared_ptr<segment> s) {
  auto happened = std::make_shared<std::optional<std::int64_t>>();
  journal_.submit(
      work_kind::reads,
      [s, happened](rows& in) -> result<> {
        auto when = in.happened_ms(s->last.sequence);
        if (!when) return when.error();
        *happened = *when;
        return {};
      },
      [this, s, happened, alive = alive_](result<> outcome) {
        if (!*alive) return;
        if (!outcome) return finish(outcome);
        auto age_ms = static_cast<std::int64_t>(how_.days) * day_ms;
        if (!*happened || clock_.unix_ms() - **happened < age_ms) {
          busy_ = false;
          return;
        }
        gather(s);
      });
}

void retention::gather(std::shared_ptr<segment> s) {
  if (stopped_) return finish({});
  auto from = s->before.sequence + s->records.size() + 1;
  auto wanted = std::min(gathered_at_once, s->last.sequence + 1 - from);
  auto some = std::make_shared<std::vector<base::record>>();
  journal_.submit(
      work_kind::reads,
      [from, wanted, some](rows& in) -> result<> {
        auto found = in.read(from, wanted, gathered_octets_max);
        if (!found) return found.error();
        *some = std::move(*found);
        return {};
      },
      [this, s, some, alive = alive_](result<> outcome) {
        if (!*alive) return;
        if (outcome && some->empty())
          outcome = error{errc::journal_damaged, "a record is missing that is to be moved into a file"};
        if (!outcome) return finish(outcome);
        std::move(some->begin(), some->end(), std::back_inserter(s->records));
        if (s->before.sequence + s->records.size() < s->last.sequence) return gather(s);
        write(s);
      });
}

// On the thread beside: verified on its way into the file, signed, and read back from the disk's point of
// view.
void retention::write(std::shared_ptr<segment> s) {
  auto work = [s, folder = how_.folder, till = how_.till, &key = key_]() -> result<> {
    base::chain_follower follower(till, s->before);
    for (auto& r : s->records)
      if (auto taken = follower.take(r); !taken) return error{errc::journal_damaged, taken.error().detail};
    s->last = follower.head();
    if (auto made = base::make_folders(folder); !made) return made;
    s->path = folder + "/" + segment_name(till, s->before.sequence + 1, s->last.sequence);
    auto file = wire::export_file::create(s->path, wire::export_file::present::replace, {till, s->before});
    if (!file) return file.error();
    for (auto& r : s->records)
      if (auto added = (*file)->add(r); !added) return added;
    auto said = base::make_checkpoint(key, till, s->last, "");
    wire::export_statement word{
        wire::export_statement::signer::till, said.by, s->last, 0, {}, said.signature};
    if (auto added = (*file)->add(word); !added) return added;
    if (auto done = (*file)->finish(); !done) return done;
    auto read = wire::verify_export(s->path);
    if (!read) return read.error();
    if (!read->whole() || read->head() != s->last)
      return error{errc::export_damaged, s->path + " is not what was written into it"};
    return {};
  };
  boost::asio::post(aside_, [this, s, work = std::move(work), alive = alive_, executor = executor_] {
    auto outcome = work();
    boost::asio::post(executor, [this, s, outcome = std::move(outcome), alive] {
      if (!*alive) return;
      if (!outcome || stopped_) return finish(outcome);
      base::reach(base::step::segment_written);
      remove(s);
    });
  });
}

void retention::remove(std::shared_ptr<segment> s) {
  s->records.clear();
  journal_.submit(
      work_kind::housekeeps, [last = s->last](rows& in) { return in.remove_up_to(last); },
      [this, s, alive = alive_](result<> outcome) {
        if (!*alive) return;
        if (outcome) {
          ++segments_moved_;
          base::log(base::log_level::info, "Old records were moved out of the journal into a file",
                    {{"first", s->before.sequence + 1}, {"last", s->last.sequence}, {"file", s->path}});
        }
        finish(outcome);
        // There may be years of them.
        if (outcome) look();
      });
}

void retention::finish(const result<>& outcome) {
  busy_ = false;
  if (!outcome)
    base::log(base::log_level::error, "Old records could not be moved out of the journal; they stay there",
              outcome.error());
}

}  // namespace tilld::daemon
