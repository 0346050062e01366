#include "plugins/simulated/wallets.hpp"

#include <algorithm>
#include <utility>

namespace simulated {

namespace {

namespace json = boost::json;
using namespace tilld::tender;

constexpr std::size_t bookings_kept_max = 80;

template <class Reply>
Reply declined(decline_reason why) {
  Reply reply;
  reply.decision = decision::declined;
  reply.reason = why;
  return reply;
}

}  // namespace

wallets::wallets(std::vector<wallet> all) : wallets_(std::move(all)) {}

wallet* wallets::find(const std::optional<instrument>& with) {
  if (!with) return nullptr;
  const auto found = std::find_if(wallets_.begin(), wallets_.end(), [&](const wallet& w) {
    return (with->uid && w.uid == with->uid) || (with->reference && w.reference == with->reference) ||
           (with->token && w.token == with->token);
  });
  return found == wallets_.end() ? nullptr : &*found;
}

wallets::hold* wallets::hold_of(const std::string& operation_id) {
  const auto found = std::find_if(holds_.begin(), holds_.end(), [&](const auto& entry) {
    return entry.first == operation_id || entry.second.taken_by == operation_id;
  });
  return found == holds_.end() ? nullptr : &found->second;
}

const wallets::remembered* wallets::recall(const std::string& operation_id) const {
  const auto found = std::find_if(operations_.begin(), operations_.end(),
                                  [&](const remembered& r) { return r.operation_id == operation_id; });
  return found == operations_.end() ? nullptr : &*found;
}

template <class Reply, class Work>
Reply wallets::once(const std::string& operation_id, Work work) {
  if (const auto* earlier = recall(operation_id)) return tilld::from_json<Reply>(earlier->reply);
  const Reply reply = work();
  operations_.push_back({operation_id, tilld::to_json(reply).as_object()});
  if (operations_.size() > bookings_kept_max) {
    holds_.erase(operations_.front().operation_id);
    operations_.erase(operations_.begin());
  }
  return reply;
}

authorized wallets::authorize(const tilld::tender::authorize& request, bool decline) {
  return once<authorized>(request.operation_id, [&]() -> authorized {
    if (decline) return declined<authorized>(decline_reason::refused_by_issuer);
    auto* from = find(request.instrument);
    if (!from) return declined<authorized>(decline_reason::not_found);
    if (from->pin && !request.instrument->pin) return declined<authorized>(decline_reason::pin_required);
    if (from->pin && from->pin != request.instrument->pin)
      return declined<authorized>(decline_reason::wrong_pin);
    auto& balance = from->balance;
    if (balance.currency != request.amount.currency)
      return declined<authorized>(decline_reason::wrong_currency);
    if (request.amount.minor <= 0) throw tilld::failure(TILLD_E_INVALID, "amount.minor: must be more than 0");
    const auto taken = std::min(request.amount.minor, balance.minor);
    if (taken <= 0 || (taken < request.amount.minor && !request.partial.value_or(false)))
      return declined<authorized>(decline_reason::insufficient_funds);
    balance.minor -= taken;
    holds_[request.operation_id] = {static_cast<std::size_t>(from - wallets_.data()), taken, 0, {}};
    authorized reply;
    reply.decision = taken == request.amount.minor ? decision::approved : decision::partially_approved;
    reply.authorization = request.operation_id;
    reply.taken = {taken, balance.currency};
    reply.to_pay = {request.amount.minor - taken, balance.currency};
    reply.left = balance;
    return reply;
  });
}

captured wallets::capture(const tilld::tender::capture& request) {
  return once<captured>(request.operation_id, [&]() -> captured {
    const auto found = holds_.find(request.authorization);
    if (found == holds_.end() || found->second.minor == 0)
      return declined<captured>(decline_reason::not_found);
    auto& held = found->second;
    auto& balance = wallets_[held.wallet].balance;
    if (balance.currency != request.amount.currency)
      return declined<captured>(decline_reason::wrong_currency);
    if (request.amount.minor <= 0) throw tilld::failure(TILLD_E_INVALID, "amount.minor: must be more than 0");
    const auto taken = std::min(request.amount.minor, held.minor);
    balance.minor += held.minor - taken;
    held.taken = taken;
    held.taken_by = request.operation_id;
    held.minor = 0;
    captured reply;
    reply.decision = taken == request.amount.minor ? decision::approved : decision::partially_approved;
    reply.taken = {taken, balance.currency};
    reply.left = balance;
    return reply;
  });
}

released wallets::release(const tilld::tender::release& request) {
  return once<released>(request.operation_id, [&]() -> released {
    const auto found = holds_.find(request.authorization);
    if (found == holds_.end() || found->second.minor == 0)
      return declined<released>(decline_reason::nothing_to_release);
    auto& balance = wallets_[found->second.wallet].balance;
    balance.minor += found->second.minor;
    holds_.erase(found);
    released reply;
    reply.left = balance;
    return reply;
  });
}

reversed wallets::reverse(const tilld::tender::reverse& request) {
  return once<reversed>(request.operation_id, [&]() -> reversed {
    // The tombstone: should the operation come after all, it is declined. One that is here already keeps its
    // answer.
    once<authorized>(request.reversed_operation_id,
                     [] { return declined<authorized>(decline_reason::customer_cancelled); });
    reversed reply;
    auto* held = hold_of(request.reversed_operation_id);
    if (!held) return reply;
    auto& balance = wallets_[held->wallet].balance;
    const auto all = held->minor + held->taken;
    const auto back = request.amount ? std::min(request.amount->minor, all) : all;
    if (back < 0) throw tilld::failure(TILLD_E_INVALID, "amount.minor: must not be less than 0");
    balance.minor += back;
    const auto of_hold = std::min(back, held->minor);
    held->minor -= of_hold;
    held->taken -= back - of_hold;
    reply.returned = {back, balance.currency};
    reply.left = balance;
    return reply;
  });
}

outcome_known wallets::outcome(const std::string& operation_id) const {
  const auto* earlier = recall(operation_id);
  if (!earlier) return {.state = tilld::operation_state::not_done};
  return {.state = tilld::operation_state::done, .result = earlier->reply};
}

json::object wallets::save() const {
  json::array balances;
  for (const auto& w : wallets_) balances.push_back(tilld::to_json(w.balance));
  return {
      {"balances", balances}, {"holds", tilld::to_json(holds_)}, {"operations", tilld::to_json(operations_)}};
}

void wallets::load(const json::object& saved) {
  const json::value whole(saved);
  const auto balances = tilld::from_json<std::vector<tilld::money>>(whole.at("balances"));
  if (balances.size() != wallets_.size()) return;
  for (std::size_t i = 0; i < balances.size(); ++i)
    if (balances[i].currency != wallets_[i].balance.currency) return;
  auto holds = tilld::from_json<std::map<std::string, hold>>(whole.at("holds"));
  for (const auto& [id, h] : holds)
    if (h.wallet >= wallets_.size()) return;
  operations_ = tilld::from_json<std::vector<remembered>>(whole.at("operations"));
  holds_ = std::move(holds);
  for (std::size_t i = 0; i < balances.size(); ++i) wallets_[i].balance = balances[i];
}

}  // namespace simulated
