// The report: a line for each check as it ends, or one JSON object at the end.
#pragma once

#include <iosfwd>
#include <vector>

#include "plugin-api/check/judge.hpp"

namespace tilld::plugin_check {

struct result_line {
  const check* which;
  judged how;
};

void print_line(std::ostream& to, const result_line& line);
void print_summary(std::ostream& to, const std::vector<result_line>& lines);
boost::json::object report_as_json(const subject& what, const std::vector<result_line>& lines);

}  // namespace tilld::plugin_check
