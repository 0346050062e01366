#include "daemon/router/kept_answers.hpp"

#include <algorithm>

namespace tilld::daemon {

void kept_answers::forget(std::deque<kept>::iterator which) {
  octets_ -= which->row.answer.size();
  kept_.erase(which);
}

void kept_answers::put(operation_row row, std::uint64_t now_ms) {
  auto same = std::find_if(kept_.begin(), kept_.end(), [&](auto& k) { return k.row.key == row.key; });
  if (same != kept_.end()) forget(same);
  if (row.answer.size() > answer_octets_max) {
    row.kind = answer_kind::expired;
    std::string().swap(row.answer);
  }
  auto mine = [&](const kept& k) { return k.row.key.principal == row.key.principal; };
  if (static_cast<std::size_t>(std::count_if(kept_.begin(), kept_.end(), mine)) >= of_a_principal_max)
    forget(std::find_if(kept_.begin(), kept_.end(), mine));
  while (!kept_.empty() && octets_ + row.answer.size() > octets_max) forget(kept_.begin());
  octets_ += row.answer.size();
  kept_.push_back({std::move(row), now_ms + kept_ms});
}

const operation_row* kept_answers::find(const operation_key& key) const {
  for (auto& k : kept_)
    if (k.row.key == key) return &k.row;
  return nullptr;
}

const operation_row* kept_answers::find(const base::uuid& id) const {
  for (auto& k : kept_)
    if (k.row.id == id) return &k.row;
  return nullptr;
}

std::optional<std::uint64_t> kept_answers::forget_old(std::uint64_t now_ms) {
  while (!kept_.empty() && kept_.front().until <= now_ms) forget(kept_.begin());
  if (kept_.empty()) return std::nullopt;
  return kept_.front().until;
}

}  // namespace tilld::daemon
