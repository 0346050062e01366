#include "tests/bench/table.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include <boost/json.hpp>

namespace tilld::bench {

namespace {

std::string verdict(const std::optional<limit>& held, double median) {
  if (!held) return "";
  return held->text() + (held->met_by(median) ? " met" : " MISSED");
}

std::string with_unit(double v, const std::string& unit) {
  return number_text(v) + (unit.empty() ? "" : " " + unit);
}

}  // namespace

double median_of(std::vector<double> values) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  auto middle = values.size() / 2;
  return values.size() % 2 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

std::string number_text(double v) {
  char text[64];
  auto size = std::abs(v);
  int digits = size >= 100 ? 0 : size >= 10 ? 1 : size >= 1 ? 2 : size >= 0.1 ? 3 : 4;
  std::snprintf(text, sizeof text, "%.*f", digits, v);
  std::string plain = text;
  if (size >= 1000)
    for (auto at = static_cast<std::ptrdiff_t>(plain.size()) - 3; at > (v < 0 ? 1 : 0); at -= 3)
      plain.insert(static_cast<std::size_t>(at), ",");
  if (digits > 0 && plain.find('.') != std::string::npos) {
    while (plain.back() == '0') plain.pop_back();
    if (plain.back() == '.') plain.pop_back();
  }
  return plain;
}

std::string limit::text() const { return (which == side::at_most ? "<= " : ">= ") + number_text(value); }

double row::median() const { return median_of(values); }
double row::least() const { return values.empty() ? 0 : *std::min_element(values.begin(), values.end()); }
double row::most() const { return values.empty() ? 0 : *std::max_element(values.begin(), values.end()); }

void table::print() const {
  std::printf("\n%s\n%s, %s\n\n", machine.c_str(), when.c_str(), command.c_str());
  std::printf("%-58s %10s %10s %10s  %-16s %-16s %s\n", "", "min", "median", "max", "bar", "goal", "");
  std::string part;
  for (auto& r : rows) {
    if (r.part != part) std::printf("%s\n", r.part.c_str());
    part = r.part;
    std::printf("  %-56s %10s %10s %10s  %-16s %-16s %s%s\n", r.what.c_str(), number_text(r.least()).c_str(),
                with_unit(r.median(), r.unit).c_str(), number_text(r.most()).c_str(),
                verdict(r.bar, r.median()).c_str(), verdict(r.goal, r.median()).c_str(), r.detail.c_str(),
                r.disturbed ? (" (" + std::to_string(r.disturbed) + " of " + std::to_string(r.values.size()) +
                               " disturbed by others)")
                                  .c_str()
                            : "");
  }
  for (auto& n : notes) std::printf("%s\n", n.c_str());
}

boost::json::object table::as_json() const {
  boost::json::array list;
  auto held = [](const std::optional<limit>& l, double median) -> boost::json::value {
    if (!l) return nullptr;
    return boost::json::object{{l->which == limit::side::at_most ? "at_most" : "at_least", l->value},
                               {"met", l->met_by(median)}};
  };
  for (auto& r : rows) {
    boost::json::array values(r.values.begin(), r.values.end());
    list.push_back({{"part", r.part},
                    {"what", r.what},
                    {"unit", r.unit},
                    {"values", std::move(values)},
                    {"min", r.least()},
                    {"median", r.median()},
                    {"max", r.most()},
                    {"bar", held(r.bar, r.median())},
                    {"goal", held(r.goal, r.median())},
                    {"detail", r.detail},
                    {"disturbed", r.disturbed}});
  }
  boost::json::array said(notes.begin(), notes.end());
  return {{"machine", machine}, {"when", when}, {"command", command}, {"rows", list}, {"notes", said}};
}

std::string table::as_markdown() const {
  std::string text = when + ", `" + command + "`, " + machine + ".\n";
  std::string part;
  for (auto& r : rows) {
    if (r.part != part)
      text += "\n### " + r.part +
              "\n| What | Median [min..max] | Bar | Goal | Absolute, this machine |\n| --- | --- | --- | --- "
              "| --- "
              "|\n";
    part = r.part;
    text += "| " + r.what + " | " + with_unit(r.median(), r.unit) + " [" + number_text(r.least()) + ".." +
            number_text(r.most()) + "] | " + verdict(r.bar, r.median()) + " | " +
            verdict(r.goal, r.median()) + " | " + r.detail;
    if (r.disturbed)
      text += (r.detail.empty() ? "" : "; ") + std::to_string(r.disturbed) + " of " +
              std::to_string(r.values.size()) + " repetitions disturbed by others";
    text += " |\n";
  }
  if (!notes.empty()) text += "\n";
  for (auto& n : notes) text += n + "\n";
  return text;
}

}  // namespace tilld::bench
