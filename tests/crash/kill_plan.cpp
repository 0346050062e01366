#include "tests/crash/kill_plan.hpp"

#include <algorithm>
#include <cstdio>

namespace tilld::crash {

using base::step;

namespace {

constexpr step steps_of_till[] = {step::request_read,   step::intake_begun,       step::key_written,
                                  step::record_written, step::commit_begun,       step::committed,
                                  step::answered,       step::device_asked,       step::device_answered,
                                  step::batch_sent,     step::batch_acknowledged, step::cursor_stored};
constexpr step steps_of_central[] = {step::apply_begun, step::apply_written, step::apply_committed,
                                     step::acknowledged};
// Those that the till passes on its way up.
constexpr step steps_of_start[] = {step::intake_begun, step::record_written, step::commit_begun,
                                   step::committed, step::batch_sent};
constexpr int kills_at_any_instant = 4, kills_of_plugins = 1;

}  // namespace

std::string_view name(victim v) {
  switch (v) {
    case victim::till: return "tilld";
    case victim::central: return "till-central";
    case victim::plugin: return "plugin host";
  }
  return "";
}

planned_kill kill_plan::next() {
  if (round_.empty()) {
    for (auto s : steps_of_till) round_.push_back({victim::till, s});
    for (auto s : steps_of_central) round_.push_back({victim::central, s});
    for (int i = 0; i < kills_at_any_instant; ++i)
      round_.push_back({i % 4 == 3 ? victim::central : victim::till, {}});
    for (int i = 0; i < kills_of_plugins; ++i) round_.push_back({victim::plugin, {}});
    std::shuffle(round_.begin(), round_.end(), random_);
  }
  auto k = round_.back();
  round_.pop_back();
  k.passes = static_cast<std::uint32_t>(random_() % 24);
  k.instant_ms = static_cast<std::uint32_t>(5 + random_() % 120);
  if (k.who == victim::till && random_() % 8 == 0) {
    k.while_starting = true;
    k.at = steps_of_start[random_() % std::size(steps_of_start)];
    k.passes = 0;
  }
  return k;
}

void kill_plan::landed(victim who, const std::string& where, bool while_starting, std::size_t unanswered) {
  auto& c = counts_[{who, where}];
  ++c.kills;
  c.with_unanswered += unanswered > 0;
  c.while_starting += while_starting;
}

std::size_t kill_plan::kills() const {
  std::size_t sum = 0;
  for (auto& [where, c] : counts_) sum += c.kills;
  return sum;
}

std::size_t kill_plan::with_unanswered() const {
  std::size_t sum = 0;
  for (auto& [where, c] : counts_) sum += c.with_unanswered;
  return sum;
}

std::vector<std::string> kill_plan::never_hit() const {
  std::vector<std::string> names;
  for (auto s : steps_of_till)
    if (!counts_.count({victim::till, std::string(base::name(s))})) names.emplace_back(base::name(s));
  for (auto s : steps_of_central)
    if (!counts_.count({victim::central, std::string(base::name(s))})) names.emplace_back(base::name(s));
  return names;
}

void kill_plan::print() const {
  std::printf("\n  %-13s %-19s %6s %11s %9s\n", "killed", "at the write step", "kills", "unanswered",
              "starting");
  auto line = [&](victim who, const std::string& where) {
    auto at = counts_.find({who, where});
    if (at == counts_.end()) return;
    auto& c = at->second;
    std::printf("  %-13s %-19s %6zu %11zu %9zu  %s\n", std::string(name(who)).c_str(), where.c_str(), c.kills,
                c.with_unanswered, c.while_starting,
                std::string(std::min<std::size_t>(c.kills, 40), '#').c_str());
  };
  for (auto s : steps_of_till) line(victim::till, std::string(base::name(s)));
  for (auto s : steps_of_central) line(victim::central, std::string(base::name(s)));
  for (auto who : {victim::till, victim::central, victim::plugin}) line(who, "any instant");
}

}  // namespace tilld::crash
