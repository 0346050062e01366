// One budget for what all connections hold: input that is not a whole line yet, and output that the other
// side does not read. When it is exceeded the connection that holds most is closed, so that a client that
// sends half a line a thousand times, or never reads, costs itself and nobody else.
//
// Large requests in hand have a budget of their own: closing the connection would not end them, so what does
// not fit is refused instead. A quarter of it is for sales alone, which are never kept waiting by what
// devices are asked to do; and who has borrowed much already, over whatever connections, borrows nothing
// more. [I/O thread]
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "daemon/router/router.hpp"

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
  enum class purpose { sale, other };
  // For a request in hand of this principal, until the last copy of what is returned is gone; null when there
  // is no room for it, or when the principal has its share already.
  std::shared_ptr<loan> borrow(const std::string& principal, std::size_t octets, purpose what) {
    auto& in = *lent_;
    auto limit = what == purpose::sale ? calls_octets_max_ : others_octets(calls_octets_max_);
    if (in.total + octets > limit) return nullptr;
    if (what == purpose::sale) return std::make_shared<slip>(lent_, std::string(), octets);
    auto at = in.by_principal.find(principal);
    if (at != in.by_principal.end() && at->second > share_octets(calls_octets_max_)) return nullptr;
    return std::make_shared<slip>(lent_, principal, octets);
  }
  std::size_t lent() const { return lent_->total; }
  // Of a budget: what is not kept for sales, and what a principal may have borrowed and still borrow more.
  static constexpr std::size_t others_octets(std::size_t budget) { return budget / 4 * 3; }
  static constexpr std::size_t share_octets(std::size_t budget) { return budget / 16 * 3; }

  std::size_t total() const { return total_; }
  std::size_t count() const { return members_.size(); }

 private:
  struct member {
    std::size_t octets = 0;
    std::function<void()> close;
  };
  struct lent_octets {
    std::size_t total = 0;
    std::map<std::string, std::size_t> by_principal;
  };
  class slip final : public loan {
   public:
    slip(std::shared_ptr<lent_octets> in, std::string principal, std::size_t octets)
        : in_(std::move(in)), principal_(std::move(principal)), octets_(octets) {
      in_->total += octets;
      if (!principal_.empty()) in_->by_principal[principal_] += octets;
    }
    ~slip() override { shrink_to(0); }
    slip(const slip&) = delete;
    void shrink_to(std::size_t octets) override {
      if (octets >= octets_) return;
      auto back = octets_ - octets;
      octets_ = octets;
      in_->total -= back;
      auto at = in_->by_principal.find(principal_);
      if (at != in_->by_principal.end() && (at->second -= back) == 0) in_->by_principal.erase(at);
    }

   private:
    std::shared_ptr<lent_octets> in_;
    std::string principal_;
    std::size_t octets_;
  };

  std::size_t octets_max_, calls_octets_max_;
  std::size_t total_ = 0;
  // Shared with what is borrowed, which may outlive this.
  std::shared_ptr<lent_octets> lent_ = std::make_shared<lent_octets>();
  std::map<std::uint64_t, member> members_;
};

}  // namespace tilld::daemon
