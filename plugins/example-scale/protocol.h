/* What a shop scale says in its continuous mode, taken apart: a line, about ten times a second.
 *
 *   ST,GS,+  1.234kg       ST stable, US still moving, OL overloaded; GS gross, NT net; then sign, number and
 * unit
 *
 * Many makers send this or something near. No I/O here, and nothing of tilld. */
#ifndef PLUGINS_EXAMPLE_SCALE_PROTOCOL_H
#define PLUGINS_EXAMPLE_SCALE_PROTOCOL_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum scale_state { SCALE_MOVING, SCALE_STABLE, SCALE_OVERLOADED };

struct scale_reading {
  enum scale_state state;
  int64_t milligrams; /* an integer: a weight becomes a price. 0 when overloaded */
};

/* 1 when the line, without its end, is a whole reading; 0 leaves `to` alone. Weights finer than a milligram
 * or of more than 9,999 kg are none. */
int scale_read_line(const char* line, size_t size, struct scale_reading* to);

#ifdef __cplusplus
}
#endif
#endif
