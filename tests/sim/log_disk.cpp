#include "tests/sim/log_disk.hpp"

#include <algorithm>
#include <utility>

#include "central/store.hpp"
#include "tests/sim/mutants.hpp"

namespace tilld::sim {

using base::errc;
using base::result;

namespace {

std::map<std::string, log_disk*, std::less<>>& disks() {
  static std::map<std::string, log_disk*, std::less<>> all;
  return all;
}

struct log_image final : disk_image {
  std::array<rows_by_key, static_cast<std::size_t>(table::count_)> tables;
};

}  // namespace

std::string number_key(std::uint64_t number) {
  std::string key(8, '\0');
  base::store_big(reinterpret_cast<std::uint8_t*>(key.data()), number);
  return key;
}

std::string joined_key(std::initializer_list<std::string_view> parts) {
  std::string key;
  for (auto part : parts) {
    key += part;
    key += '\0';
  }
  return key;
}

base::error full_disk() { return {errc::storage_full, "the simulated disk is full"}; }
base::error failed_disk() { return {errc::storage_failed, "the simulated disk failed"}; }

std::unique_ptr<disk> make_disk(machine& owner) { return std::make_unique<log_disk>(owner); }

log_disk::log_disk(machine& owner) : owner_(owner) { disks()[owner.name()] = this; }

log_disk::~log_disk() { disks().erase(owner_.name()); }

std::string log_disk::path(const std::string& file) const {
  return file.empty() ? owner_.name() : owner_.name() + "/" + file;
}

log_disk& log_disk::of(const std::string& path) {
  return *disks().find(std::string_view(path).substr(0, path.find('/')))->second;
}

void log_disk::attach() {
  ghost_ = false;
  open_.clear();
  in_transaction_ = false;
  // What lies in the kernel's memory is read as if it lay on the disk.
  for (auto& f : frames_)
    if (!f.applied) apply(f);
}

void log_disk::set(table t, const std::string& key, const row& value) {
  auto& in = tables_[static_cast<std::size_t>(t)];
  if (value)
    in.insert_or_assign(key, value);
  else
    in.erase(key);
}

void log_disk::apply(frame& f) {
  for (auto& c : f.what) set(c.where, c.key, c.after);
  f.applied = true;
}

void log_disk::undo(frame& f) {
  for (auto c = f.what.rbegin(); c != f.what.rend(); ++c) set(c->where, c->key, c->before);
  f.applied = false;
}

void log_disk::put(table t, std::string key, row value) {
  if (ghost_) return;
  auto& in = tables_[static_cast<std::size_t>(t)];
  auto at = in.find(key);
  row before = at == in.end() ? nullptr : at->second;
  set(t, key, value);
  open_.push_back({t, std::move(key), std::move(before), std::move(value)});
}

void log_disk::begin() { in_transaction_ = !ghost_; }

void log_disk::rollback(std::size_t to) {
  if (ghost_) return;
  while (open_.size() > to) {
    auto& c = open_.back();
    set(c.where, c.key, c.before);
    open_.pop_back();
  }
  if (to == 0) in_transaction_ = false;
}

bool log_disk::has_room() {
  if (!faults.full) return true;
  if (ballast_ || room_ == 0) return false;
  --room_;
  return true;
}

result<> log_disk::commit() {
  if (ghost_) return failed_disk();
  if (open_.empty()) {
    in_transaction_ = false;
    return {};
  }
  owner_.point("before a write");
  if (ghost_) return failed_disk();
  if (!has_room()) return full_disk();  // the transaction stands, and the owner takes it back
  frames_.push_back({std::exchange(open_, {}), true, false});
  in_transaction_ = false;
  if (faults.sync_ms_max > 0) owner_.wait_for_disk(owner_.in().dice.below(faults.sync_ms_max + 1));
  owner_.point("before a flush");
  if (ghost_) return failed_disk();
  if (faults.sync_fails) {
    // The kernel has it, the disk has not, and nobody will try again.
    frames_.back().lost = true;
    undo(frames_.back());
    return failed_disk();
  }
  // A flush takes along all that was written before. Behind a transaction that was lost nothing is certain:
  // whoever reads the log again stops there.
  auto lost = std::find_if(frames_.begin(), frames_.end(), [](auto& f) { return f.lost; });
  frames_.erase(frames_.begin(), lost);
  owner_.point("after a flush");
  return ghost_ ? result<>(failed_disk()) : result<>();
}

result<> log_disk::checkpoint() {
  if (ghost_) return failed_disk();
  owner_.point("before a checkpoint");
  if (ghost_) return failed_disk();
  if (!has_room()) return full_disk();
  if (faults.sync_ms_max > 0) owner_.wait_for_disk(owner_.in().dice.below(faults.sync_ms_max + 1));
  if (faults.sync_fails) return failed_disk();
  // Pages are written into the file anew, also those that only memory had.
  frames_.clear();
  owner_.point("after a checkpoint");
  return ghost_ ? result<>(failed_disk()) : result<>();
}

result<> log_disk::write_again() {
  if (frames_.empty() || is(mutant::start_trusts_memory)) return {};
  owner_.point("before the log is written again");
  if (ghost_ || faults.sync_fails) return failed_disk();
  frames_.clear();
  return {};
}

void log_disk::restore_ballast() {
  if (ghost_ || faults.full) return;
  ballast_ = true;
}

void log_disk::release_ballast() {
  if (ghost_ || !ballast_) return;
  ballast_ = false;
  room_ = 40;
}

void log_disk::process_died(death how) {
  if (ghost_ && how == death::killed) return;
  rollback();
  ghost_ = true;
  if (how == death::killed) return;
  std::size_t kept = 0;
  while (kept < frames_.size() && !frames_[kept].lost && owner_.in().dice.coin()) ++kept;
  for (auto at = frames_.size(); at-- > kept;)
    if (frames_[at].applied) undo(frames_[at]);
  for (std::size_t at = 0; at < kept; ++at)
    if (!frames_[at].applied) apply(frames_[at]);
  if (kept < frames_.size() && is(mutant::torn_transaction_is_read)) {
    // A recovery that does not look at checksums takes the beginning of what was torn.
    auto& torn = frames_[kept];
    torn.what.resize(torn.what.size() / 2);
    apply(torn);
  }
  frames_.clear();
}

std::shared_ptr<const disk_image> log_disk::copy() const {
  auto image = std::make_shared<log_image>();
  image->tables = tables_;
  return image;
}

void log_disk::restore(const disk_image& from) {
  tables_ = static_cast<const log_image&>(from).tables;
  frames_.clear();
  open_.clear();
}

bool log_disk::durable(table t, std::string_view key) const {
  if (!find<void>(t, key)) return false;
  auto has = [&](const changes& all) {
    for (auto& c : all)
      if (c.where == t && c.key == key) return true;
    return false;
  };
  if (has(open_)) return false;
  for (auto& f : frames_)
    if (has(f.what)) return false;
  return true;
}

bool log_disk::keeps_record(std::uint64_t sequence) const {
  return durable(table::journal, number_key(sequence));
}

bool log_disk::keeps_answer(const daemon::operation_key& key) const {
  auto place = joined_key({key.principal, key.method, key.key});
  auto* known = find<daemon::operation_row>(table::operation, place);
  return known && known->state == daemon::operation_state::done && durable(table::operation, place);
}

bool log_disk::keeps_at_central(const std::string& till, const base::chain_head& head) const {
  if (head.sequence == 0) return true;
  auto key = joined_key({till}) + number_key(head.sequence);
  auto* place = find<std::uint64_t>(table::entry_of_till, key);
  if (!place || !durable(table::entry_of_till, key)) return false;
  auto* entry = find<central::stored_entry>(table::entry, number_key(*place));
  return entry && durable(table::entry, number_key(*place)) && entry->record.hash == head.hash;
}

}  // namespace tilld::sim
