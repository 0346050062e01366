#include "daemon/store/checkpoints.hpp"

#include <time.h>

#include "base/log.hpp"

namespace tilld::daemon {

using base::result;

namespace {

constexpr auto look_every = std::chrono::seconds(30);
constexpr const char* checkpoint_fact = "checkpoint";  // number of the last one (8), when (8)

// Which day it is in the shop.
int day_of(std::int64_t unix_ms) {
  auto seconds = static_cast<time_t>(unix_ms / 1000);
  struct tm local {};
  ::localtime_r(&seconds, &local);
  return local.tm_year * 366 + local.tm_yday;
}

}  // namespace

checkpoints::checkpoints(boost::asio::any_io_executor executor, store& journal, const base::signing_key& key,
                         const base::clock& clock, options how)
    : timer_(executor), journal_(journal), key_(key), clock_(clock), how_(std::move(how)) {}

checkpoints::~checkpoints() { *alive_ = false; }

void checkpoints::start() {
  struct last_one {
    std::uint64_t sequence = 0;
    std::optional<std::int64_t> at_ms;
  };
  auto found = std::make_shared<last_one>();
  journal_.submit(
      work_kind::reads,
      [found](rows& in) -> result<> {
        auto fact = in.find_fact(checkpoint_fact);
        if (!fact) return fact.error();
        if (!*fact || (*fact)->size() != 16) return {};
        base::byte_reader r(**fact);
        found->sequence = r.u64();
        found->at_ms = static_cast<std::int64_t>(r.u64());
        return {};
      },
      [this, found, alive = alive_](result<> outcome) {
        if (!*alive) return;
        // A fact that cannot be read costs one checkpoint more.
        if (!outcome)
          base::log(base::log_level::warning, "Where the last checkpoint stands could not be read",
                    outcome.error());
        last_ = found->sequence;
        last_ms_ = found->at_ms.value_or(clock_.unix_ms());
        known_ = true;
        look_at_the_day();
        grew();
        arm();
      });
}

void checkpoints::arm() {
  timer_.expires_after(look_every);
  timer_.async_wait([this, alive = alive_](boost::system::error_code stopped) {
    if (stopped || !*alive) return;
    look_at_the_day();
    arm();
  });
}

void checkpoints::grew() {
  if (known_ && !writing_ && journal_.head().sequence >= last_ + how_.every) write("count");
}

void checkpoints::look_at_the_day() {
  if (!known_ || writing_ || journal_.head().sequence <= last_) return;
  if (day_of(clock_.unix_ms()) != day_of(last_ms_)) write("day");
}

store::work checkpoints::point(std::string reason, std::shared_ptr<written> made) {
  return [this, made, reason = std::move(reason)](rows& in) -> result<> {
    auto signed_head = base::make_checkpoint(key_, how_.till, in.head(), reason);
    auto appended = in.append({std::string(base::checkpoint_kind), signed_head.body(), std::nullopt});
    if (!appended) return appended.error();
    *made = {appended->sequence, appended->happened.unix_ms};
    base::byte_string fact;
    base::byte_writer w(fact);
    w.u64(made->sequence);
    w.u64(static_cast<std::uint64_t>(made->at_ms));
    return in.put_fact(checkpoint_fact, fact);
  };
}

void checkpoints::write(std::string reason) {
  writing_ = true;
  auto made = std::make_shared<written>();
  journal_.submit(work_kind::books, point(std::move(reason), made),
                  [this, made, alive = alive_](const result<>& outcome) {
                    if (*alive) wrote(*made, outcome);
                  });
}

void checkpoints::wrote(const written& made, const result<>& outcome) {
  writing_ = false;
  if (outcome) {
    last_ = made.sequence;
    last_ms_ = made.at_ms;
    complained_ = false;
  } else if (!std::exchange(complained_, true)) {
    // Tried again with the next record; a full disk says so itself, and often enough.
    base::log(base::log_level::warning, "A checkpoint could not be written", outcome.error());
  }
}

boost::asio::awaitable<void> checkpoints::close() {
  timer_.cancel();
  if (!known_ || journal_.head().sequence <= last_) co_return;
  auto made = std::make_shared<written>();
  auto work = point("stop", made);
  auto outcome = co_await journal_.run(work_kind::books, std::move(work));
  wrote(*made, outcome);
}

}  // namespace tilld::daemon
