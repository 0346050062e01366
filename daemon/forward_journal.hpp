// The till's store as the log that forwarding reads, and as the place where it keeps what central signed. The
// daemon and the simulator put it between the two. [I/O thread]
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "daemon/forward/journal_source.hpp"
#include "daemon/store/store.hpp"

namespace tilld::daemon {

class forward_journal final : public journal_source {
 public:
  explicit forward_journal(store& s) : store_(s) {}

  std::function<void()> on_acknowledged;

  base::chain_head head() const override { return store_.head(); }
  base::chain_head beginning() const override { return store_.beginning(); }

  void read(std::uint64_t from, std::uint32_t count_max, std::size_t octets_max, records_read then) override {
    auto found = std::make_shared<std::vector<base::record>>();
    store_.submit(
        work_kind::reads,
        [found, from, count_max, octets_max](rows& in) -> base::result<> {
          auto some = in.read(from, count_max, octets_max);
          if (!some) return some.error();
          *found = std::move(*some);
          return {};
        },
        [found, then = std::move(then)](base::result<> outcome) {
          if (outcome)
            then(std::move(*found));
          else
            then(outcome.error());
        });
  }

  base::result<std::optional<wire::sync::witness>> load_witness(std::string_view destination) override {
    auto& octets = store_.witness_of(destination);
    if (octets.empty()) return std::optional<wire::sync::witness>();
    auto parsed = wire::sync::witness::parse(octets);
    if (!parsed) return parsed.error();
    return std::optional(*parsed);
  }

  void save_witness(std::string_view destination, const wire::sync::witness& value,
                    witness_saved then) override {
    auto told = [this, then = std::move(then)](base::result<> outcome) {
      if (outcome && on_acknowledged) on_acknowledged();
      then(std::move(outcome));
    };
    store_.acknowledge(std::string(destination), value.encode(), value.last.head.sequence, std::move(told));
  }

 private:
  store& store_;
};

}  // namespace tilld::daemon
