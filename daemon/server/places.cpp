#include "daemon/server/places.hpp"

#include <algorithm>

namespace tilld::daemon {

std::optional<std::shared_ptr<connection>> places::room_for(bool stranger, std::size_t reserve) {
  auto here = all();
  std::erase_if(here, [](auto& one) { return one->closed(); });
  std::shared_ptr<connection> oldest_stranger;
  std::size_t strangers = 0;
  for (auto& one : here) {
    if (!one->principal().empty()) continue;
    if (!oldest_stranger) oldest_stranger = one;
    ++strangers;
  }
  bool full = here.size() >= most_ + reserve;
  if (!full && !(stranger && strangers >= strangers_max)) return nullptr;
  if (oldest_stranger) return oldest_stranger;
  // Asked last: each costs a call into the kernel.
  auto ended = std::find_if(here.begin(), here.end(), [](auto& one) { return one->other_side_ended(); });
  if (ended != here.end()) return *ended;
  return std::nullopt;
}

std::vector<std::shared_ptr<connection>> places::all() {
  std::vector<std::shared_ptr<connection>> here;
  std::erase_if(members_, [](auto& one) { return one.expired(); });
  for (auto& one : members_) here.push_back(one.lock());
  return here;
}

}  // namespace tilld::daemon
