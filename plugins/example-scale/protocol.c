#include "plugins/example-scale/protocol.h"

#include <string.h>

enum { milligrams_max_digits = 10 };

static int is_digit(char c) { return c >= '0' && c <= '9'; }

/* "1.234" in units of 10^-places, without a float; -1 where it is no such number. */
static int64_t read_decimal(const char** at, const char* end, int places) {
  int64_t value = 0;
  int digits = 0, behind_point = -1;
  for (; *at < end && (is_digit(**at) || (**at == '.' && behind_point < 0)); ++*at) {
    if (**at == '.') {
      behind_point = 0;
      continue;
    }
    if (behind_point == places || ++digits > milligrams_max_digits) return -1;
    value = value * 10 + (**at - '0');
    if (behind_point >= 0) ++behind_point;
  }
  if (digits == 0 || behind_point == 0) return -1; /* none, or "1." */
  for (int i = behind_point < 0 ? 0 : behind_point; i < places; ++i) value *= 10;
  return value;
}

static int is_unit(const char* at, const char* end, const char* unit) {
  return (size_t)(end - at) == strlen(unit) && memcmp(at, unit, strlen(unit)) == 0;
}

int scale_read_line(const char* line, size_t size, struct scale_reading* to) {
  const char *at = line, *end = line + size, *unit;
  struct scale_reading reading = {SCALE_MOVING, 0};
  int64_t kilograms, grams;
  int negative;
  if (size < 9 || line[2] != ',' || line[5] != ',') return 0;
  if (memcmp(line + 3, "GS", 2) != 0 && memcmp(line + 3, "NT", 2) != 0) return 0;
  if (memcmp(line, "OL", 2) == 0) {
    reading.state = SCALE_OVERLOADED;
    *to = reading;
    return 1;
  }
  if (memcmp(line, "ST", 2) == 0)
    reading.state = SCALE_STABLE;
  else if (memcmp(line, "US", 2) != 0)
    return 0;
  at = line + 6;
  negative = *at == '-';
  if (*at != '-' && *at != '+') return 0;
  for (++at; at < end && *at == ' ';) ++at;
  unit = at;
  kilograms = read_decimal(&unit, end, 6);
  while (unit < end && *unit == ' ') ++unit;
  if (is_unit(unit, end, "kg")) {
    reading.milligrams = kilograms;
  } else if (is_unit(unit, end, "g")) {
    grams = read_decimal(&at, end, 3);
    reading.milligrams = grams;
  } else {
    return 0;
  }
  if (reading.milligrams < 0 || reading.milligrams > INT64_C(9999000000)) return 0;
  if (negative) reading.milligrams = -reading.milligrams;
  *to = reading;
  return 1;
}
