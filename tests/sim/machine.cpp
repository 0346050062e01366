#include "tests/sim/machine.hpp"

#include <algorithm>
#include <utility>

namespace tilld::sim {
namespace {

machine* running = nullptr;

}  // namespace

machine* machine::current() { return running; }

machine::machine(world& w, std::string name)
    : world_(w), name_(std::move(name)), clock_(*this), disk_(make_disk(*this)) {}

machine::~machine() = default;

base::time_stamp machine::stamp() const {
  base::time_stamp s;
  // One time for a whole event would do; what waits for the disk sees the time go on.
  s.unix_ms = static_cast<std::int64_t>(1'700'000'000'000 + time()) + clock_off_ms_;
  s.monotonic_ms = time() - powered_ms_ + 1;
  base::store_big(s.boot_id.data(), powered_ms_);
  s.trust = clock_off_ms_ == 0 ? base::clock_trust::synchronised : base::clock_trust::unsynchronised;
  return s;
}

void machine::boot() {
  if (up()) return;
  busy_until_ms_ = world_.now_ms();
  io_ = std::make_unique<boost::asio::io_context>(1);
  ++life_;
  world_.tell(name_, "starts");
  auto before = std::exchange(running, this);
  bool started = start();
  if (started && !dying_) io_->poll();
  if (started && !dying_) look_around();
  running = before;
  if (!started && !dying_) {
    world_.tell(name_, "did not come up");
    dying_ = true;
    disk_->process_died(death::killed);
  }
  if (dying_) bury();
}

void machine::die(death how) {
  if (!up()) {
    if (how == death::power_cut) disk_->process_died(how);
    return;
  }
  world_.tell(name_, how == death::killed ? "is killed" : "loses its power");
  dying_ = true;
  last_death_ = how;
  disk_->process_died(how);
  if (how == death::power_cut) powered_ms_ = world_.now_ms();
  if (running != this) bury();
}

void machine::die_at_point(std::uint64_t n, death how) {
  points_left_ = n;
  planned_ = how;
}

void machine::point(std::string_view where) {
  if (dying_ || points_left_ == 0 || --points_left_ > 0) return;
  world_.tell(name_, "reaches: ", where);
  die(planned_);
}

void machine::bury() {
  drop_before_loop();
  io_.reset();
  drop_after_loop();
  dying_ = false;
  points_left_ = 0;
  inbox_.clear();
  wakes_ = false;
  ends_.resize(life_ + 1, ~std::uint64_t{0});
  ends_[life_] = world_.now_ms();
}

void machine::in_process(std::uint64_t delay_ms, std::function<void()> what) {
  world_.after(delay_ms, [this, mine = life_, what = std::move(what)]() mutable {
    if (!up() || mine != life_) return;
    if (world_.now_ms() >= busy_until_ms_ && inbox_.empty()) {
      std::vector<std::function<void()>> one;
      one.push_back(std::move(what));
      return run(std::move(one));
    }
    inbox_.push_back(std::move(what));
    if (std::exchange(wakes_, true)) return;
    world_.at(busy_until_ms_, [this, mine] {
      if (!up() || mine != life_) return;
      wakes_ = false;
      run(std::exchange(inbox_, {}));
    });
  });
}

void machine::out(std::uint64_t delay_ms, std::function<void()> what) {
  if (dying_) return;
  auto sent = time();
  world_.at(sent + delay_ms, [this, sent, mine = life_, what = std::move(what)] {
    bool died_before = mine < ends_.size() && ends_[mine] < sent;
    if (!died_before) what();
  });
}

void machine::run(std::vector<std::function<void()>> all) {
  running = this;
  busy_until_ms_ = std::max(busy_until_ms_, world_.now_ms());
  for (auto& one : all)
    if (!dying_) one();
  io_->restart();
  if (!dying_) io_->poll();
  if (!dying_) look_around();
  running = nullptr;
  if (dying_) bury();
}

}  // namespace tilld::sim
