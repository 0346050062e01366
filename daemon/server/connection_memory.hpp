// One budget for what all connections hold: input that is not a whole line yet, and output that the other
// side does not read. When it is exceeded the connection that holds most is closed, so that a client that
// sends half a line a thousand times, or never reads, costs itself and nobody else.
//
// Large requests in hand have a budget of their own: closing the connection would not end them, so what does
// not fit is refused instead. [I/O thread]
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>

namespace tilld::daemon {

class connection_memory {
 public:
  explicit connection_memory(std::size_t octets_max, std::size_t calls_octets_max = 0)
      : octets_max_(octets_max), calls_octets_max_(calls_octets_max) {}

  void join(std::uint64_t connection, std::function<void()> close) {
    members_[connection] = {0, std::move(close)};
  }
  void leave(std::uint64_t connection) {
    if (auto at = members_.find(connection); at != members_.end()) {
      total_ -= at->second.octets;
      members_.erase(at);
    }
  }
  // What a connection holds now. May close the largest holder, which may be this one.
  void set(std::uint64_t connection, std::size_t octets) {
    auto at = members_.find(connection);
    if (at == members_.end()) return;
    total_ += octets - at->second.octets;
    at->second.octets = octets;
    while (total_ > octets_max_) {
      auto largest = members_.begin();
      for (auto m = members_.begin(); m != members_.end(); ++m)
        if (m->second.octets > largest->second.octets) largest = m;
      if (largest->second.octets == 0) return;
      total_ -= largest->second.octets;
      largest->second.octets = 0;
      auto close = largest->second.close;
      close();
    }
  }
  // For a request in hand, until the last copy of what is returned is gone; null when there is no room for
  // it.
  std::shared_ptr<void> borrow(std::size_t octets) {
    if (*lent_ + octets > calls_octets_max_) return nullptr;
    if (octets == 0) return lent_;
    *lent_ += octets;
    return std::shared_ptr<void>(lent_.get(), [lent = lent_, octets](void*) { *lent -= octets; });
  }

  std::size_t total() const { return total_; }
  std::size_t count() const { return members_.size(); }

 private:
  struct member {
    std::size_t octets = 0;
    std::function<void()> close;
  };
  std::size_t octets_max_, calls_octets_max_;
  std::size_t total_ = 0;
  // Shared with what is borrowed, which may outlive this.
  std::shared_ptr<std::size_t> lent_ = std::make_shared<std::size_t>(0);
  std::map<std::uint64_t, member> members_;
};

}  // namespace tilld::daemon
