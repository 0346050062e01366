// In the place of base/step.cpp and base/log.cpp: a named step is a moment at which the process may die, and
// what the programs tell IT staff becomes a line of the story.
#include "base/log.hpp"
#include "base/step.hpp"
#include "tests/sim/machine.hpp"

namespace tilld::base {

std::string_view name(step s) {
  static constexpr std::string_view names[] = {
      "idle",           "request read",    "intake begun",   "key written",
      "record written", "commit begun",    "committed",      "answered",
      "device asked",   "device answered", "batch sent",     "acknowledged by central",
      "cursor stored",  "apply begun",     "apply written",  "apply committed",
      "acknowledged",   "segment written", "segment removed"};
  static_assert(std::size(names) == static_cast<std::size_t>(step::count_));
  return names[static_cast<std::size_t>(s)];
}

result<> start_step_watch(const std::string&) { return {}; }

namespace detail {

static std::atomic<std::uint32_t> always_watched{0};
std::atomic<std::uint32_t>* watched_steps = &always_watched;

void reach(step s) {
  if (auto* m = sim::machine::current()) m->point(name(s));
}

}  // namespace detail

void log_debug_lines(bool) {}

void log(log_level level, std::string_view sentence, std::initializer_list<log_field> fields) {
  auto* m = sim::machine::current();
  if (!m || !m->in().tells() || m->dying()) return;
  std::string line(level == log_level::error ? "[!] " : level == log_level::warning ? "[?] " : "[ ] ");
  line += sentence;
  for (auto& f : fields) line += " " + std::string(f.name) + "=" + f.value;
  m->in().tell(m->name(), line);
}

void log(log_level level, std::string_view sentence, const error& e,
         std::initializer_list<log_field> fields) {
  auto* m = sim::machine::current();
  if (!m || !m->in().tells()) return;
  std::string line(sentence);
  line += ": " + to_string(e);
  log(level, line, fields);
}

}  // namespace tilld::base
