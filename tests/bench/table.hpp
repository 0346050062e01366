// What a bench run found: one row a ratio or a count, with its bar and its goal, printed for people, as JSON
// and as the table of docs/performance.md.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include <boost/json/object.hpp>

namespace tilld::bench {

// What a row is held against. The median decides.
struct limit {
  enum class side { at_most, at_least } which = side::at_most;
  double value = 0;
  bool met_by(double median) const { return which == side::at_most ? median <= value : median >= value; }
  std::string text() const;
};
inline limit at_most(double v) { return {limit::side::at_most, v}; }
inline limit at_least(double v) { return {limit::side::at_least, v}; }

struct row {
  std::string part;            // "round trip"
  std::string what;            // "built-in call, p50 / raw C echo"
  std::vector<double> values;  // one a repetition
  std::string unit;            // empty for a ratio
  std::optional<limit> bar, goal;
  // The absolute figures behind it, which say something about this machine only.
  std::string detail;
  // Repetitions that counted although others used the machine.
  int disturbed = 0;

  double median() const;
  double least() const;
  double most() const;
};

double median_of(std::vector<double> values);
// Three digits that count: 0.0213, 1.35, 48,381.
std::string number_text(double v);

struct table {
  std::vector<row> rows;
  std::vector<std::string> notes;  // what was left out, and how to have it
  std::string machine, when, command;

  void print() const;
  boost::json::object as_json() const;
  std::string as_markdown() const;
};

}  // namespace tilld::bench
