// Till software: sells and prints, one thing after the other, each under a key that it wrote down before.
// When no answer comes it asks again with the same key until there is one. It may also be of the kind that
// the field has enough of: asks twice at once, repeats old calls, takes a key a second time for something
// else.
#pragma once

#include <string>
#include <vector>

#include "tests/sim/till.hpp"

namespace tilld::sim {

class client {
 public:
  client(world& w, const swarm& rates, oracle& all, till& at, std::string principal);

  void open();
  // Nothing new is begun; what was begun is asked for until it is answered.
  void close() { closed_ = true; }
  bool content() const;
  std::string what_is_missing() const;

 private:
  enum class kind { sale, print };
  struct wish {
    kind what = kind::sale;
    std::string key, params;
    bool done = false;
    std::uint64_t attempt = 0;
    bool patient = true;  // else it hears only that it runs, and comes back later
  };

  void go_on();
  void begin();
  void ask(std::size_t which, bool repeats);
  void ask_later(std::size_t which, std::uint64_t ms);
  void heard(std::size_t which, std::uint64_t attempt, bool repeats, const wire::answer& a);
  void end(std::size_t which);
  void reuse_key(std::size_t which);
  till::asked asked_of(const wish& w) const;

  world& world_;
  const swarm& rates_;
  oracle& oracle_;
  till& till_;
  std::string principal_;
  std::vector<wish> wishes_;
  bool closed_ = false;
};

}  // namespace tilld::sim
