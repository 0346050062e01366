// What became of questions that were asked with a key: kept for a while for who was not there to hear it, in
// memory alone and never on a disk, because an answer may say who somebody is. A restart forgets it, and that
// is no harm: a question changes nothing and may be asked again.
//
// Bounded in time, in number for each principal, and in octets over all; what does not fit any more is
// forgotten, oldest first. Pure: the time is given. [I/O thread]
#pragma once

#include <deque>
#include <optional>

#include "daemon/store/rows.hpp"

namespace tilld::daemon {

class kept_answers {
 public:
  static constexpr std::uint64_t kept_ms = 5 * 60 * 1000;
  static constexpr std::size_t of_a_principal_max = 64, octets_max = 4 << 20, answer_octets_max = 1 << 20;

  // Takes the place of what is kept under the same key. An answer that is too large is remembered as expired.
  void put(operation_row row, std::uint64_t now_ms);
  const operation_row* find(const operation_key& key) const;
  const operation_row* find(const base::uuid& id) const;
  // Forgets what is too old; when there will be something to forget again.
  std::optional<std::uint64_t> forget_old(std::uint64_t now_ms);
  std::size_t count() const { return kept_.size(); }

 private:
  struct kept {
    operation_row row;
    std::uint64_t until = 0;
  };
  void forget(std::deque<kept>::iterator which);

  std::deque<kept> kept_;  // oldest first
  std::size_t octets_ = 0;
};

}  // namespace tilld::daemon
