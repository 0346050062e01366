#include "plugin-api/check/report.hpp"

#include <algorithm>
#include <iomanip>
#include <ostream>

#include <boost/json.hpp>

namespace tilld::plugin_check {

namespace {

std::size_t count(const std::vector<result_line>& lines, verdict what) {
  return static_cast<std::size_t>(std::count_if(
      lines.begin(), lines.end(), [what](const auto& line) { return line.how.what.what == what; }));
}

std::string numbers(const std::vector<result_line>& lines, verdict what) {
  std::string all;
  for (const auto& line : lines)
    if (line.how.what.what == what) all += (all.empty() ? "" : ", ") + std::to_string(line.which->number);
  return all.empty() ? "" : " (" + all + ")";
}

}  // namespace

void print_line(std::ostream& to, const result_line& line) {
  const auto& found = line.how.what;
  to << std::setw(2) << line.which->number << "  ";
  switch (found.what) {
    case verdict::passed:
      to << "passed   " << line.which->title << (found.note.empty() ? "" : ": " + found.note) << "\n";
      break;
    case verdict::skipped: to << "skipped  " << line.which->title << ": " << found.note << "\n"; break;
    case verdict::failed:
      to << "FAILED   " << line.which->title << "\n"
         << "      sent  " << found.sent << "\n"
         << "      came  " << found.came << "\n"
         << "      mend  " << found.mend << "\n";
      break;
  }
  to.flush();
}

void print_summary(std::ostream& to, const std::vector<result_line>& lines) {
  to << "\n"
     << count(lines, verdict::passed) << " passed, " << count(lines, verdict::failed) << " failed"
     << numbers(lines, verdict::failed) << ", " << count(lines, verdict::skipped) << " skipped"
     << numbers(lines, verdict::skipped) << "\n";
  if (count(lines, verdict::skipped) > 0)
    to << "A skipped check has shown nothing; the reason stands beside it.\n";
}

boost::json::object report_as_json(const subject& what, const std::vector<result_line>& lines) {
  boost::json::array checks;
  for (const auto& line : lines) {
    auto entry = to_json(line.how.what);
    entry["number"] = line.which->number;
    entry["name"] = line.which->name;
    entry["title"] = line.which->title;
    entry["took_ms"] = line.how.took_ms;
    checks.push_back(std::move(entry));
  }
  return {{"file", what.file},
          {"id", what.id},
          {"version", what.version},
          {"seed", what.seed},
          {"passed", count(lines, verdict::passed)},
          {"failed", count(lines, verdict::failed)},
          {"skipped", count(lines, verdict::skipped)},
          {"checks", std::move(checks)}};
}

}  // namespace tilld::plugin_check
