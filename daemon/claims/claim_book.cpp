#include "daemon/claims/claim_book.hpp"

#include <algorithm>

namespace tilld::daemon {

using base::errc;
using base::error;
using base::result;

claim_book::places::iterator claim_book::place_of(const std::string& claim) {
  return std::find_if(places_.begin(), places_.end(),
                      [&](auto& p) { return p.second.now && p.second.now->id == claim; });
}

result<claim_book::places::iterator> claim_book::of_holder(const std::string& claim, const claimant& who) {
  auto at = place_of(claim);
  // What is another's claim is nobody's business, not even that it exists.
  if (at == places_.end() || at->second.now->holder.principal != who.principal)
    return error{errc::claim_ended, "this claim is not held, or not held any more"};
  return at;
}

void claim_book::give(const std::string& device, place& at, std::uint64_t ticket, const claimant& who,
                      const claim_terms& terms, std::uint64_t now) {
  held h;
  h.id = make_id_();
  h.holder = who;
  h.terms = terms;
  h.ends_at = now + terms.time_limit_ms;
  at.now = std::move(h);
  steps_.push_back(claim_step::granted{ticket, at.now->id});
  // Who took it by force may stand in line as well, and must not wait for itself.
  std::erase_if(at.line, [&](const waiter& w) {
    if (w.who.connection != who.connection || who.connection == 0) return false;
    steps_.push_back(claim_step::granted{w.ticket, at.now->id});
    return true;
  });
  steps_.push_back(claim_step::changed{device});
  // The next in line asks at once: the new holder shall know that somebody waits.
  if (!at.line.empty()) ask_holder(device, *at.now, at.line.front().who.principal, now);
}

void claim_book::ask_holder(const std::string& device, held& h, const std::string& by, std::uint64_t now) {
  if (h.answer_until) return;
  h.answer_until = now + answer_within_ms;
  steps_.push_back(claim_step::release_requested{h.id, device, h.holder.connection, by, answer_within_ms});
}

// The holder is gone; the next in line has it.
void claim_book::end(const std::string& device, place& at, std::uint64_t now) {
  at.now.reset();
  if (at.line.empty()) {
    steps_.push_back(claim_step::changed{device});
    return;
  }
  auto first = std::move(at.line.front());
  at.line.pop_front();
  give(device, at, first.ticket, first.who, first.terms, now);
}

void claim_book::lose(const std::string& device, place& at, std::string why, std::string by) {
  steps_.push_back(
      claim_step::lost{at.now->id, device, at.now->holder.connection, std::move(why), std::move(by)});
}

// Nobody waits any more: the question to the holder is none.
void claim_book::line_shrank(const std::string& device, place& at) {
  if (at.line.empty() && at.now) at.now->answer_until.reset();
  steps_.push_back(claim_step::changed{device});
}

void claim_book::renew(const std::string& device, held& h, std::uint64_t ticket, const claim_terms& terms,
                       std::uint64_t now) {
  h.terms = terms;
  h.ends_at = now + terms.time_limit_ms;
  // What an earlier dialog asked for is not for the next one.
  h.wanted = 0;
  steps_.push_back(claim_step::granted{ticket, h.id});
  steps_.push_back(claim_step::changed{device});
  // What was held for one at a time is not held back any more.
  while (!h.terms.one_at_a_time && !h.inputs.empty()) {
    steps_.push_back(claim_step::deliver{h.id, device, h.holder.connection, std::move(h.inputs.front())});
    h.inputs.pop_front();
  }
  if (h.inputs.empty()) h.octets = 0;
}

std::uint64_t claim_book::claim(const std::string& device, const claimant& who, const claim_terms& terms,
                                std::uint64_t now) {
  auto ticket = ++last_ticket_;
  auto& at = places_[device];
  if (!at.now) {
    give(device, at, ticket, who, terms, now);
    return ticket;
  }
  auto& h = *at.now;
  if (who.connection != 0 && h.holder.connection == who.connection) {
    renew(device, h, ticket, terms, now);
    return ticket;
  }
  if (terms.wait_ms == 0) {
    steps_.push_back(claim_step::refused{ticket, held_by(view_of(device, at))});
    return ticket;
  }
  auto own = std::find_if(at.line.begin(), at.line.end(), [&](const waiter& w) {
    return who.connection != 0 && w.who.connection == who.connection;
  });
  if (own != at.line.end()) {
    error why{errc::cancelled, "claimed anew by the same connection, which has one place in line"};
    steps_.push_back(claim_step::refused{own->ticket, std::move(why)});
    *own = {ticket, who, terms, now + terms.wait_ms};
    ask_holder(device, h, who.principal, now);
    return ticket;
  }
  if (at.line.size() >= waiting_max) {
    error full{errc::busy, "32 others wait for " + device + " already"};
    steps_.push_back(claim_step::refused{ticket, std::move(full)});
    return ticket;
  }
  at.line.push_back({ticket, who, terms, now + terms.wait_ms});
  steps_.push_back(claim_step::changed{device});
  ask_holder(device, h, who.principal, now);
  return ticket;
}

std::uint64_t claim_book::take(const std::string& device, const claimant& who, const claim_terms& terms,
                               std::uint64_t now) {
  auto at = places_.find(device);
  auto own = [&](const held& h) { return who.connection != 0 && h.holder.connection == who.connection; };
  if (at == places_.end() || !at->second.now || own(*at->second.now)) return claim(device, who, terms, now);
  auto ticket = ++last_ticket_;
  lose(device, at->second, "taken", who.principal);
  give(device, at->second, ticket, who, terms, now);
  return ticket;
}

std::uint64_t claim_book::take_up(const std::string& claim, const claimant& who, const claim_terms& terms,
                                  std::uint64_t now) {
  auto at = of_holder(claim, who);
  if (!at) {
    auto ticket = ++last_ticket_;
    steps_.push_back(claim_step::refused{ticket, at.error()});
    return ticket;
  }
  auto& [device, there] = **at;
  // The question was told to a connection that is none any more, and stands; its answer may come from here.
  there.now->holder = who;
  auto ticket = ++last_ticket_;
  renew(device, *there.now, ticket, terms, now);
  return ticket;
}

bool claim_book::withdraw(std::uint64_t ticket) {
  for (auto& [device, at] : places_)
    if (std::erase_if(at.line, [&](auto& w) { return w.ticket == ticket; }) > 0) {
      line_shrank(device, at);
      return true;
    }
  return false;
}

result<> claim_book::keep(const std::string& claim, const claimant& who, std::uint64_t now) {
  auto at = of_holder(claim, who);
  if (!at) return at.error();
  auto& h = *(*at)->second.now;
  h.ends_at = now + h.terms.time_limit_ms;
  return {};
}

result<> claim_book::retain(const std::string& claim, const claimant& who, std::uint64_t now) {
  auto at = of_holder(claim, who);
  if (!at) return at.error();
  auto& h = *(*at)->second.now;
  h.answer_until.reset();
  h.ends_at = std::max(h.ends_at, now + h.terms.time_limit_ms);
  return {};
}

result<> claim_book::release(const std::string& claim, const claimant& who, std::uint64_t now) {
  auto at = of_holder(claim, who);
  if (!at) return at.error();
  end((*at)->first, (*at)->second, now);
  return {};
}

result<claim_book::next_input> claim_book::next(const std::string& claim, const claimant& who) {
  auto at = of_holder(claim, who);
  if (!at) return at.error();
  auto& [device, there] = **at;
  auto& h = *there.now;
  if (!h.terms.one_at_a_time)
    return error{errc::invalid_params,
                 "claim: was made without one_at_a_time; its inputs come by themselves"};
  if (h.inputs.empty()) {
    if (h.wanted >= inputs_held_max) return error{errc::busy, "64 are asked for already"};
    ++h.wanted;
  } else {
    h.octets -= h.inputs.front().data.size();
    steps_.push_back(claim_step::deliver{h.id, device, h.holder.connection, std::move(h.inputs.front())});
    h.inputs.pop_front();
  }
  return next_input{h.inputs.size(), std::exchange(h.dropped, 0)};
}

void claim_book::hang_up(std::uint64_t connection) {
  if (connection == 0) return;
  for (auto& [device, at] : places_) {
    bool left = std::erase_if(at.line, [&](auto& w) { return w.who.connection == connection; }) > 0;
    bool away = at.now && at.now->holder.connection == connection;
    if (away) at.now->holder.connection = 0;
    if (left || away) line_shrank(device, at);
  }
}

bool claim_book::input(const std::string& device, device_input what) {
  auto at = places_.find(device);
  if (at == places_.end() || !at->second.now) return false;
  auto& h = *at->second.now;
  if (!h.terms.one_at_a_time || h.wanted > 0) {
    if (h.wanted > 0) --h.wanted;
    steps_.push_back(claim_step::deliver{h.id, device, h.holder.connection, std::move(what)});
    return true;
  }
  // What came first was heard first by the cashier; what does not fit behind it was not.
  if (h.inputs.size() >= inputs_held_max || h.octets + what.data.size() > inputs_octets_max) {
    if (h.dropped++ == 0) steps_.push_back(claim_step::input_dropped{h.id, device, h.holder.connection});
    return true;
  }
  h.octets += what.data.size();
  h.inputs.push_back(std::move(what));
  return true;
}

void claim_book::tick(std::uint64_t now) {
  for (auto& each : places_) {
    auto& device = each.first;  // a lambda of Clang 14 takes no structured binding
    auto& at = each.second;
    if (at.now && at.now->ends_at <= now) {
      lose(device, at, "time_limit", "");
      end(device, at, now);
    } else if (at.now && at.now->answer_until && *at.now->answer_until <= now) {
      lose(device, at, "no_answer", at.line.empty() ? "" : at.line.front().who.principal);
      end(device, at, now);
    }
    auto waited_out = [&](const waiter& w) {
      if (w.until > now) return false;
      steps_.push_back(claim_step::refused{w.ticket, held_by(view_of(device, at))});
      return true;
    };
    if (std::erase_if(at.line, waited_out) > 0) line_shrank(device, at);
  }
  std::erase_if(places_, [](auto& p) { return !p.second.now && p.second.line.empty(); });
}

std::optional<std::uint64_t> claim_book::next_tick() const {
  std::optional<std::uint64_t> first;
  auto at_latest = [&](std::uint64_t t) { first = std::min(first.value_or(t), t); };
  for (auto& [device, at] : places_) {
    if (at.now) at_latest(at.now->ends_at);
    if (at.now && at.now->answer_until) at_latest(*at.now->answer_until);
    for (auto& w : at.line) at_latest(w.until);
  }
  return first;
}

claim_view claim_book::view_of(const std::string& device, const place& at) {
  auto& h = *at.now;
  return {h.id,      device,         h.holder,        h.terms.time_limit_ms,
          h.ends_at, at.line.size(), h.inputs.size(), h.terms.one_at_a_time};
}

std::optional<claim_view> claim_book::find(const std::string& device) const {
  auto at = places_.find(device);
  if (at == places_.end() || !at->second.now) return std::nullopt;
  return view_of(device, at->second);
}

std::optional<claim_view> claim_book::find_claim(const std::string& claim) const {
  for (auto& [device, at] : places_)
    if (at.now && at.now->id == claim) return view_of(device, at);
  return std::nullopt;
}

bool claim_book::is_holder(const claim_view& of, std::uint64_t connection, const std::string& principal,
                           const std::string& claim) {
  if (connection != 0 && of.holder.connection == connection) return true;
  return !claim.empty() && of.claim == claim && of.holder.principal == principal;
}

error claim_book::held_by(const claim_view& of) {
  auto& client = of.holder.client;
  return {errc::claimed,
          of.device + " is claimed by " + of.holder.principal + (client.empty() ? "" : " (" + client + ")")};
}

}  // namespace tilld::daemon
