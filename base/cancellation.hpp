// A wish that something in hand be given up. Whoever works on it learns of the wish and decides what is still
// possible; nothing is given up by the wish alone. [one thread]
#pragma once

#include <functional>
#include <utility>

namespace tilld::base {

class cancellation {
 public:
  bool wanted() const { return wanted_; }
  // The second time does nothing.
  void want() {
    if (std::exchange(wanted_, true)) return;
    if (auto act = std::exchange(act_, nullptr)) act();
  }

  // What the wish causes while the work is at this stage: it leaves a queue, it tells a device. Stages follow
  // each other or lie within each other; the innermost one hears. A wish that came before a stage does not
  // call it: ask wanted() first.
  class stage {
   public:
    // `of` may be null: nobody can wish anything then.
    stage(cancellation* of, std::function<void()> act) : of_(of) {
      if (of_) outer_ = std::exchange(of_->act_, std::move(act));
    }
    ~stage() {
      if (of_) of_->act_ = std::move(outer_);
    }
    stage(const stage&) = delete;

   private:
    cancellation* of_;
    std::function<void()> outer_;
  };

 private:
  bool wanted_ = false;
  std::function<void()> act_;
};

}  // namespace tilld::base
