/* A shop scale on a serial port, in plain C: no library but the C library, nothing of C++.
 *
 * It shows what a driver in C needs: a config, descriptors, timers, requests that are answered later, cancel
 * from another thread, and a device that is pulled out. protocol.c knows what the scale says. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <tilld/json.h>
#include <tilld/plugin.h>
#include <unistd.h>

#include "plugins/example-scale/protocol.h"

#define INTERFACE "org.tilld.example.scale/1"

enum {
  line_size_max = 64,
  waiting_max = 16,
  fresh_ms = 1000, /* a reading is as old as that at most when it is told as the weight on the scale */
  deadline_timer = 1
};

struct waiting {
  uint64_t id; /* 0: a free place */
  uint64_t until_ms;
};

struct driver {
  const tilld_host* host;
  int port;
  int cancelled[2]; /* a pipe: cancel() comes on another thread and leaves the id here */
  size_t size;
  char line[line_size_max];
  int overflowed;
  int known;
  struct scale_reading last;
  uint64_t last_ms;
  int64_t told; /* the last stable weight that was said as an event */
  int ever_told;
  struct waiting waiting[waiting_max];
};

/* --- Saying something. The host copies what it is given. */

static void say(const struct driver* d, uint32_t kind, uint64_t id, tilld_status status, const char* name,
                const char* body) {
  tilld_message m;
  memset(&m, 0, sizeof m);
  m.struct_size = sizeof m;
  m.kind = kind;
  m.id = id;
  m.status = status;
  m.name = name;
  m.body.data = body;
  m.body.size = strlen(body);
  d->host->send(d->host, &m);
}

static void refuse(const struct driver* d, uint64_t id, const char* name, tilld_status status,
                   const char* detail) {
  char body[160];
  snprintf(body, sizeof body, "{\"detail\":\"%s\"}", detail);
  say(d, TILLD_REPLY, id, status, name, body);
}

static void answer_weight(const struct driver* d, uint64_t id) {
  char body[64];
  snprintf(body, sizeof body, "{\"milligrams\":%lld}", (long long)d->last.milligrams);
  say(d, TILLD_REPLY, id, TILLD_OK, INTERFACE ".weigh", body);
}

/* --- Requests that wait for a stable weight. */

static void set_deadline_timer(struct driver* d) {
  const uint64_t now = d->host->now(d->host);
  uint64_t earliest = UINT64_MAX;
  for (int i = 0; i < waiting_max; ++i)
    if (d->waiting[i].id != 0 && d->waiting[i].until_ms < earliest) earliest = d->waiting[i].until_ms;
  if (earliest == UINT64_MAX)
    d->host->timer(d->host, deadline_timer, 0);
  else
    d->host->timer(d->host, deadline_timer, earliest > now ? (uint32_t)(earliest - now) : 1);
}

static void answer_all_waiting(struct driver* d) {
  for (int i = 0; i < waiting_max; ++i) {
    if (d->waiting[i].id != 0) answer_weight(d, d->waiting[i].id);
    d->waiting[i].id = 0;
  }
  set_deadline_timer(d);
}

static void on_timer(void* instance, uint32_t timer_id) {
  struct driver* d = instance;
  const uint64_t now = d->host->now(d->host);
  (void)timer_id;
  for (int i = 0; i < waiting_max; ++i) {
    if (d->waiting[i].id == 0 || d->waiting[i].until_ms > now) continue;
    refuse(d, d->waiting[i].id, INTERFACE ".weigh", TILLD_E_TIMEOUT, "the scale does not come to rest");
    d->waiting[i].id = 0;
  }
  set_deadline_timer(d);
}

static void forget(struct driver* d, uint64_t id) {
  for (int i = 0; i < waiting_max; ++i) {
    if (d->waiting[i].id != id) continue;
    refuse(d, id, INTERFACE ".weigh", TILLD_E_CANCELLED, "cancelled");
    d->waiting[i].id = 0;
  }
  set_deadline_timer(d);
}

/* [any-thread]. An id is eight octets, and a pipe takes them whole or not at all. */
static void cancel(void* instance, uint64_t id) {
  struct driver* d = instance;
  ssize_t written = write(d->cancelled[1], &id, sizeof id);
  (void)written; /* a full pipe: the deadline ends the request */
}

/* --- The device. */

static void read_line(struct driver* d) {
  struct scale_reading reading;
  char body[64];
  if (!scale_read_line(d->line, d->size, &reading)) return; /* half a line after plugging in, for instance */
  d->last = reading;
  d->last_ms = d->host->now(d->host);
  d->known = 1;
  if (reading.state != SCALE_STABLE) return;
  answer_all_waiting(d);
  if (d->ever_told && d->told == reading.milligrams) return; /* the scale repeats itself ten times a second */
  d->told = reading.milligrams;
  d->ever_told = 1;
  snprintf(body, sizeof body, "{\"milligrams\":%lld}", (long long)reading.milligrams);
  say(d, TILLD_EVENT, 0, TILLD_OK, INTERFACE ".changed", body);
}

static void take(struct driver* d, char c) {
  if (c != '\r' && c != '\n') {
    if (d->size < line_size_max)
      d->line[d->size++] = c;
    else
      d->overflowed = 1;
    return;
  }
  if (!d->overflowed && d->size > 0) read_line(d);
  d->size = 0;
  d->overflowed = 0;
}

static void on_fd(void* instance, int fd, int16_t events) {
  struct driver* d = instance;
  char chunk[256];
  uint64_t id;
  ssize_t size;
  (void)events;
  if (fd == d->cancelled[0]) {
    if (read(fd, &id, sizeof id) == (ssize_t)sizeof id) forget(d, id);
    return;
  }
  size = read(fd, chunk, sizeof chunk);
  if (size < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (size <= 0) {
    d->host->watch(d->host, fd, 0);
    say(d, TILLD_EVENT, 0, TILLD_E_NO_DEVICE, "tilld.instance/1.failed",
        "{\"detail\":\"the scale was unplugged\"}");
    return;
  }
  for (ssize_t i = 0; i < size; ++i) take(d, chunk[i]);
}

/* Raw, at 9,600 baud, and nobody else's. 0 with errno when it cannot be had. */
static int open_port(struct driver* d, const char* path) {
  struct termios how;
  d->port = open(path, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
  if (d->port < 0) return 0;
  if (tcgetattr(d->port, &how) != 0 || ioctl(d->port, TIOCEXCL) != 0) return 0;
  how.c_iflag = IGNBRK;
  how.c_oflag = 0;
  how.c_lflag = 0;
  how.c_cflag = CS8 | CREAD | CLOCAL;
  how.c_cc[VMIN] = 1;
  how.c_cc[VTIME] = 0;
  cfsetispeed(&how, B9600);
  cfsetospeed(&how, B9600);
  return tcsetattr(d->port, TCSANOW, &how) == 0;
}

/* --- What the daemon calls. plugin.h says what each of them promises. */

static void stop(void* instance) {
  struct driver* d = instance;
  if (d->port >= 0) {
    ioctl(d->port, TIOCNXCL);
    close(d->port);
  }
  if (d->cancelled[0] >= 0) close(d->cancelled[0]);
  if (d->cancelled[1] >= 0) close(d->cancelled[1]);
  free(d);
}

static tilld_status start(const tilld_host* host, tilld_bytes config, void** instance) {
  char port[256], why[400];
  tilld_json section, value;
  struct driver* d;
  if (!tilld_json_object(config, &section) || !tilld_json_member(section, "port", &value) ||
      !tilld_json_text(value, port, sizeof port)) {
    host->log(host, 3, "port: is missing, or is no text");
    return TILLD_E_CONFIG;
  }
  d = calloc(1, sizeof *d);
  if (d == NULL) return TILLD_E_INTERNAL;
  d->host = host;
  d->port = d->cancelled[0] = d->cancelled[1] = -1;
  if (!open_port(d, port)) {
    snprintf(why, sizeof why, "cannot open %s: %s", port, strerror(errno));
    host->log(host, 3, why);
    stop(d);
    return TILLD_E_NO_DEVICE;
  }
  if (pipe2(d->cancelled, O_CLOEXEC | O_NONBLOCK) != 0) {
    stop(d);
    return TILLD_E_INTERNAL;
  }
  host->watch(host, d->port, POLLIN);
  host->watch(host, d->cancelled[0], POLLIN);
  *instance = d;
  return TILLD_OK;
}

static void weigh(struct driver* d, const tilld_message* m) {
  const uint64_t now = d->host->now(d->host);
  const int fresh = d->known && now - d->last_ms <= fresh_ms;
  if (fresh && d->last.state == SCALE_OVERLOADED) {
    refuse(d, m->id, m->name, TILLD_E_IO, "the scale is overloaded");
    return;
  }
  if (fresh && d->last.state == SCALE_STABLE) {
    answer_weight(d, m->id);
    return;
  }
  for (int i = 0; i < waiting_max; ++i) {
    if (d->waiting[i].id != 0) continue;
    d->waiting[i].id = m->id;
    d->waiting[i].until_ms = m->deadline_ms != 0 ? now + m->deadline_ms : UINT64_MAX;
    set_deadline_timer(d);
    return;
  }
  refuse(d, m->id, m->name, TILLD_E_BUSY, "too many wait for a weight already");
}

static void on_message(void* instance, const tilld_message* m) {
  struct driver* d = instance;
  tilld_json body;
  if (m->kind != TILLD_REQUEST) return;
  if (strcmp(m->name, INTERFACE ".weigh") != 0)
    refuse(d, m->id, m->name, TILLD_E_UNSUPPORTED, "no such method");
  else if (!tilld_json_object(m->body, &body))
    refuse(d, m->id, m->name, TILLD_E_INVALID, "body: must be an object");
  else
    weigh(d, m);
}

static const char* const provided[] = {INTERFACE, NULL};
static const tilld_plugin plugin = {
    .struct_size = sizeof(tilld_plugin),
    .abi = TILLD_ABI,
    .id = "org.tilld.example.scale",
    .version = "1.0.0",
    .summary = "Shop scales that say their weight all the time; an example in plain C",
    .provides = provided,
    .config_schema =
        "{\"type\":\"object\",\"required\":[\"port\"],\"additionalProperties\":false,"
        "\"properties\":{\"port\":{\"type\":\"string\"}}}",
    .start = start,
    .stop = stop,
    .on_message = on_message,
    .on_fd = on_fd,
    .on_timer = on_timer,
    .cancel = cancel,
};

const tilld_plugin* tilld_plugin_v1(void) { return &plugin; }
