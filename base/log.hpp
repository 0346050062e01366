// What the programs tell IT staff: one event a line, a sentence and named fields. Under systemd the fields go
// to the journal as TILLD_<NAME>; on a terminal or in a file they stand behind the sentence as name=value.
// Control characters become spaces and what is not UTF-8 becomes a question mark, so that no value makes a
// line of its own.
//
// Nothing secret or personal is ever passed here; base::secret cannot be formatted, and the schemas mark the
// members of requests that must not appear. [any thread]
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>

#include "base/error.hpp"

namespace tilld::base {

enum class log_level { error, warning, info, debug };

struct log_field {
  std::string_view name;  // lower case, [a-z_]
  std::string value;
  log_field(std::string_view n, std::string v) : name(n), value(std::move(v)) {}
  log_field(std::string_view n, std::string_view v) : name(n), value(v) {}
  log_field(std::string_view n, const char* v) : name(n), value(v) {}
  template <class Integer>
  requires std::is_integral_v<Integer> log_field(std::string_view n, Integer v)
      : name(n), value(std::to_string(v)) {}
};

// Debug lines are dropped unless this was called with true.
void log_debug_lines(bool wanted);

void log(log_level level, std::string_view sentence, std::initializer_list<log_field> fields = {});

// An error with its kind and detail as fields.
void log(log_level level, std::string_view sentence, const error& e,
         std::initializer_list<log_field> fields = {});

}  // namespace tilld::base
