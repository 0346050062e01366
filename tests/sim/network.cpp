#include "tests/sim/network.hpp"

#include <algorithm>
#include <utility>

namespace tilld::sim {

std::uint64_t network::held_until(const machine& from, const machine& to) const {
  if (calm_) return 0;
  auto at = held_.find({&from, &to});
  return at == held_.end() ? 0 : at->second;
}

void network::partition(machine& a, machine& b, bool there, bool back, std::uint64_t ms) {
  auto until = world_.now_ms() + ms;
  world_.tell("network", a.name(), there ? " -x " : " -- ", back ? "x- " : "-- ", b.name(), " for ", ms,
              " ms");
  if (there) held_[{&a, &b}] = std::max(held_[{&a, &b}], until);
  if (back) held_[{&b, &a}] = std::max(held_[{&b, &a}], until);
}

std::shared_ptr<connection> network::connect(machine& from, line_end& end, machine& to,
                                             std::function<line_end*(std::shared_ptr<connection>)> accept) {
  auto made = std::make_shared<connection>(*this, from, to);
  made->till_.who = &end;
  made->till_.open = true;
  // A lost SYN is sent again: during a partition the call only takes longer, and the caller loses patience.
  auto delay = world_.dice.between(1, rates_.delay_ms_max);
  auto held = held_until(from, to);
  if (held > world_.now_ms()) delay += held - world_.now_ms();
  from.out(delay, [made, accept = std::move(accept), &to, this] {
    if (made->broken_ || !made->till_.open) return;
    if (!to.up()) return made->end(side::till, "connection refused");
    to.in_process(0, [made, accept, &to, this] {
      if (!made->till_.open) return;
      made->central_.life = to.life();
      made->central_.who = accept(made);
      if (!made->central_.who) return made->end(side::till, "connection refused");
      made->central_.open = true;
      auto back = world_.dice.between(1, rates_.delay_ms_max);
      auto held_back = held_until(to, *made->till_.where);
      if (held_back > world_.now_ms()) back += held_back - world_.now_ms();
      made->central_.last_arrival_ms = 0;
      to.out(back, [made] {
        auto& t = made->till_;
        if (!t.open || made->broken_) return;
        t.where->in_process(0, [made] {
          if (made->till_.open && made->till_.life == made->till_.where->life())
            made->till_.who->connected(*made);
        });
      });
    });
  });
  return made;
}

connection::connection(network& n, machine& till, machine& central) : network_(n) {
  till_.where = &till;
  till_.life = till.life();
  central_.where = &central;
}

void connection::send(side from, base::byte_string octets) {
  if (octets.empty() || !at(from).open) return;
  network_.world_.mark(octets);
  at(from).where->out(0, [self = shared_from_this(), from, octets = std::move(octets)]() mutable {
    self->carry(from, std::move(octets));
  });
}

void connection::carry(side from, base::byte_string octets) {
  if (broken_) return;
  auto& w = network_.world_;
  auto& rates = network_.rates_;
  auto to = opposite(from);
  if (!network_.calm_) {
    if (w.dice.hits(rates.frame_flips)) {
      w.tell("network", "flips a bit on the way from ", at(from).where->name());
      octets[w.dice.below(octets.size())] ^= static_cast<std::uint8_t>(1u << w.dice.below(8));
    }
    if (w.dice.hits(rates.frame_doubles)) {
      w.tell("network", "doubles a frame from ", at(from).where->name());
      push(to, octets);
    }
    if (w.dice.hits(rates.line_breaks)) {
      octets.resize(w.dice.below(octets.size()));
      w.tell("network", "cuts a line of ", at(from).where->name(), " after ", octets.size(), " octets");
      if (!octets.empty()) push(to, std::move(octets));
      return cut();
    }
    if (w.dice.hits(rates.frame_splits) && octets.size() > 1) {
      auto first = 1 + w.dice.below(octets.size() - 1);
      push(to, base::byte_string(octets.begin(), octets.begin() + static_cast<std::ptrdiff_t>(first)));
      octets.erase(octets.begin(), octets.begin() + static_cast<std::ptrdiff_t>(first));
    }
  }
  push(to, std::move(octets));
}

void connection::push(side to, base::byte_string octets) {
  auto& w = network_.world_;
  auto& e = at(to);
  auto arrives = w.now_ms() + w.dice.between(1, network_.rates_.delay_ms_max);
  arrives = std::max(arrives, e.last_arrival_ms);
  e.last_arrival_ms = arrives;
  e.coming.push_back(std::move(octets));
  w.at(arrives, [self = shared_from_this(), to] { self->arrive(to); });
}

// Takes the oldest, whichever event comes: what was held back has not been overtaken.
void connection::arrive(side to) {
  auto& w = network_.world_;
  auto& e = at(to);
  if (e.coming.empty()) return;
  auto held = network_.held_until(*at(opposite(to)).where, *e.where);
  if (held > w.now_ms()) return w.at(held, [self = shared_from_this(), to] { self->arrive(to); });
  auto octets = std::move(e.coming.front());
  e.coming.pop_front();
  if (octets.empty()) return end(to, "the other side closed it");
  if (!e.open) return;
  if (!e.where->up() || e.where->life() != e.life) {
    // Nobody knows this connection here any more, and says so.
    e.open = false;
    return end(opposite(to), "connection reset");
  }
  e.where->in_process(0, [self = shared_from_this(), to, octets = std::move(octets)] {
    auto& there = self->at(to);
    if (there.open) there.who->arrived(*self, octets);
  });
}

void connection::close(side from) {
  if (!at(from).open) return;
  at(from).open = false;
  half_close(from);
}

void connection::half_close(side from) {
  at(from).where->out(0, [self = shared_from_this(), from] {
    if (!self->broken_) self->push(opposite(from), {});
  });
}

void connection::orphaned(side which, death how) {
  if (!std::exchange(at(which).open, false)) return;
  if (how == death::killed && !broken_) push(opposite(which), {});
}

void connection::cut() {
  broken_ = true;
  for (auto s : {side::till, side::central}) {
    // One in five never hears of it and waits until its patience ends.
    if (network_.world_.dice.below(5) == 0) continue;
    network_.world_.after(network_.world_.dice.between(1, 300),
                          [self = shared_from_this(), s] { self->end(s, "connection reset"); });
  }
}

void connection::end(side to, std::string_view why) {
  auto& e = at(to);
  if (!e.open || !e.where->up() || e.where->life() != e.life) return;
  e.where->in_process(0, [self = shared_from_this(), to, why] {
    auto& there = self->at(to);
    if (std::exchange(there.open, false)) there.who->ended(*self, why);
  });
}

}  // namespace tilld::sim
