#include "tests/sim/client.hpp"

#include <utility>

namespace tilld::sim {
namespace {

constexpr std::uint64_t patience_ms = 8'000;

std::string kind_in(const wire::answer& a) {
  if (!a.is_error) return "";
  constexpr std::string_view member = R"("kind":")";
  auto at = a.text.find(member);
  if (at == a.text.npos) return "";
  at += member.size();
  return a.text.substr(at, a.text.find('"', at) - at);
}

}  // namespace

client::client(world& w, const swarm& rates, oracle& all, till& at, std::string principal)
    : world_(w), rates_(rates), oracle_(all), till_(at), principal_(std::move(principal)) {}

void client::open() { go_on(); }

bool client::content() const { return wishes_.empty() || wishes_.back().done; }

std::string client::what_is_missing() const {
  return content() ? "" : principal_ + " at " + till_.name() + " has no answer for " + wishes_.back().key;
}

void client::go_on() {
  world_.after(world_.dice.between(20, rates_.think_ms_max), [this] {
    if (!closed_) begin();
  });
}

void client::begin() {
  wish w;
  w.what = world_.dice.hits(rates_.prints) ? kind::print : kind::sale;
  // As short as software has it: the same keys at every client.
  w.key = "k" + std::to_string(wishes_.size() + 1);
  auto amount = world_.dice.between(1, 99'999);
  w.params = R"({"idempotency_key":")" + w.key + R"(","amount":)" + std::to_string(amount) + "}";
  w.patient = w.what == kind::sale || !world_.dice.hits(rates_.impatience);
  wishes_.push_back(std::move(w));
  auto which = wishes_.size() - 1;
  ask(which, false);
  // Some software asks a second time before the first answer came.
  if (world_.dice.hits(rates_.impatience)) ask(which, false);
}

till::asked client::asked_of(const wish& w) const {
  return {principal_, w.what == kind::sale ? "sale.record" : "printer.print", w.key, w.params, w.patient};
}

void client::ask(std::size_t which, bool repeats) {
  auto& w = wishes_[which];
  auto attempt = repeats ? 0 : ++w.attempt;
  auto what = asked_of(w);
  oracle_.submitted({till_.till_name(), what.principal, what.method, what.key}, what.params);
  world_.tell(principal_, repeats ? "repeats " : "asks ", what.method, " ", what.params);
  world_.after(world_.dice.below(3), [this, which, attempt, repeats, what = std::move(what)] {
    if (!till_.up()) {
      // Nobody listens at the socket.
      if (!repeats) ask_later(which, world_.dice.between(50, 1'000));
      return;
    }
    till_.in_process(0, [this, which, attempt, repeats, what] {
      till_.call(what, [this, which, attempt, repeats](const wire::answer& a) {
        bool lost = !closed_ && world_.dice.hits(rates_.answer_losses);
        if (lost) world_.tell(principal_, "does not hear the answer to ", wishes_[which].key);
        if (lost) return;
        till_.out(world_.dice.below(3),
                  [this, which, attempt, repeats, a] { heard(which, attempt, repeats, a); });
      });
    });
  });
  if (!repeats)
    world_.after(patience_ms, [this, which, attempt] {
      if (!wishes_[which].done && wishes_[which].attempt == attempt) ask(which, false);
    });
}

void client::ask_later(std::size_t which, std::uint64_t ms) {
  world_.after(ms, [this, which, attempt = wishes_[which].attempt] {
    if (!wishes_[which].done && wishes_[which].attempt == attempt) ask(which, false);
  });
}

void client::heard(std::size_t which, std::uint64_t attempt, bool repeats, const wire::answer& a) {
  auto& w = wishes_[which];
  world_.mark(base::as_bytes(a.text));
  world_.tell(principal_, "hears for ", w.key, ": ", a.text);
  if (!a.is_error && a.text.find(R"("state":"running")") != a.text.npos) {
    w.patient = true;
    return ask_later(which, world_.dice.between(100, 2'000));
  }
  auto what = asked_of(w);
  if (!a.is_error) {
    oracle_.answered({till_.till_name(), what.principal, what.method, what.key}, what.params, a.text);
    return end(which);
  }
  if (repeats) return;
  auto why = kind_in(a);
  // Nobody knows, and the device is of a kind that never will: a person has to look.
  bool final = why == "outcome_unknown" && !rates_.device_can_tell;
  if (why == "key_conflict" && !oracle_.is_forked(till_.till_name()))
    world_.broken("INV-5 every answer for a key is the same",
                  principal_ + " " + what.key + " was used once and is refused as used for something else");
  if (final) return end(which);
  if (w.attempt == attempt) ask_later(which, world_.dice.between(100, 2'000));
}

void client::end(std::size_t which) {
  auto& w = wishes_[which];
  if (std::exchange(w.done, true)) return;
  if (closed_) return;
  if (world_.dice.hits(rates_.repetitions)) ask(world_.dice.below(wishes_.size()), true);
  if (world_.dice.hits(rates_.key_reuses)) reuse_key(which);
  go_on();
}

// A key that has its answer is used for something else; that must be refused, and the first must stand.
void client::reuse_key(std::size_t which) {
  auto what = asked_of(wishes_[which]);
  what.params.insert(what.params.size() - 1, R"(,"other":true)");
  world_.tell(principal_, "takes the key ", what.key, " for something else");
  world_.after(1, [this, what] {
    if (!till_.up()) return;
    till_.in_process(0, [this, what] {
      till_.call(what, [this, what](const wire::answer& a) {
        bool done = !a.is_error && a.text.find(R"("state":"running")") == a.text.npos;
        if (done && !oracle_.is_forked(till_.till_name()))
          world_.broken(
              "INV-2 no key is applied twice",
              principal_ + " " + what.key + " was used for something else and was answered " + a.text);
      });
    });
  });
}

}  // namespace tilld::sim
