/* A card reader on a serial port that says the number of each card as hexadecimal digits and a line end, as
 * many keyboard-type readers do when they are switched to serial. Plain C, no library but the C library. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <tilld/json.h>
#include <tilld/plugin.h>
#include <unistd.h>

#define AWAIT "tilld.reader/1.await"

enum { uid_size_max = 20, waiting_max = 16, deadline_timer = 1 };

/* What a card proves, in rising order, as card_reader.hpp has it. A number that anybody can copy proves
 * nothing. */
static const char* const levels[] = {"unknown", "uid_only", "signed", "authenticated", "holder_present"};
enum { level_of_this_reader = 1 };

struct waiting {
  uint64_t id; /* 0: a free place */
  uint64_t until_ms;
};

struct driver {
  const tilld_host* host;
  int port;
  int cancelled[2]; /* a pipe: cancel() comes on another thread and leaves the id here */
  size_t size;
  char uid[uid_size_max + 1];
  unsigned long presentations;
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

/* --- Requests that wait for a card. */

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

static void on_timer(void* instance, uint32_t timer_id) {
  struct driver* d = instance;
  const uint64_t now = d->host->now(d->host);
  (void)timer_id;
  for (int i = 0; i < waiting_max; ++i) {
    if (d->waiting[i].id == 0 || d->waiting[i].until_ms > now) continue;
    refuse(d, d->waiting[i].id, AWAIT, TILLD_E_TIMEOUT, "no card came");
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

static void forget(struct driver* d, uint64_t id) {
  for (int i = 0; i < waiting_max; ++i) {
    if (d->waiting[i].id != id) continue;
    refuse(d, id, AWAIT, TILLD_E_CANCELLED, "cancelled");
    d->waiting[i].id = 0;
  }
  set_deadline_timer(d);
}

/* --- The device. */

static void present(struct driver* d) {
  char body[200];
  d->uid[d->size] = '\0';
  snprintf(body, sizeof body,
           "{\"presentation\":%lu,\"technology\":\"unknown\",\"security_level\":\"%s\",\"uid\":\"%s\"}",
           ++d->presentations, levels[level_of_this_reader], d->uid);
  say(d, TILLD_EVENT, 0, TILLD_OK, "tilld.reader/1.presented", body);
  for (int i = 0; i < waiting_max; ++i) {
    if (d->waiting[i].id != 0) say(d, TILLD_REPLY, d->waiting[i].id, TILLD_OK, AWAIT, body);
    d->waiting[i].id = 0;
  }
  set_deadline_timer(d);
}

static void take(struct driver* d, char c) {
  if (c >= 'a' && c <= 'f') c = (char)(c - 'a' + 'A');
  if ((c >= '0' && c <= '9') || (c >= 'A' && c <= 'F')) {
    if (d->size < uid_size_max) d->uid[d->size++] = c;
  } else if (c == '\r' || c == '\n') {
    if (d->size > 0) present(d);
    d->size = 0;
  }
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
    /* The instance cannot go on: the daemon stops it and looks for the device again. */
    d->host->watch(d->host, fd, 0);
    say(d, TILLD_EVENT, 0, TILLD_E_NO_DEVICE, "tilld.instance/1.failed",
        "{\"detail\":\"the reader was unplugged\"}");
    return;
  }
  for (ssize_t i = 0; i < size; ++i) take(d, chunk[i]);
}

static int open_port(const char* path) {
  struct termios how;
  int port = open(path, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
  /* A terminal collects lines and says everything back to the device, unless it is told not to. */
  if (port >= 0 && tcgetattr(port, &how) == 0) {
    how.c_iflag = IGNBRK;
    how.c_oflag = 0;
    how.c_lflag = 0;
    how.c_cflag = CS8 | CREAD | CLOCAL;
    how.c_cc[VMIN] = 1;
    how.c_cc[VTIME] = 0;
    cfsetispeed(&how, B9600);
    cfsetospeed(&how, B9600);
    tcsetattr(port, TCSANOW, &how);
  }
  return port;
}

/* --- What the daemon calls. plugin.h says what each of them promises. */

static void stop(void* instance) {
  struct driver* d = instance;
  if (d->port >= 0) close(d->port);
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
  d->cancelled[0] = d->cancelled[1] = -1;
  d->port = open_port(port);
  if (d->port < 0) {
    snprintf(why, sizeof why, "cannot open %s: %s", port, strerror(errno));
    host->log(host, 3, why);
    stop(d);
    return TILLD_E_NO_DEVICE;
  }
  if (pipe(d->cancelled) != 0) {
    d->cancelled[0] = d->cancelled[1] = -1;
    stop(d);
    return TILLD_E_INTERNAL;
  }
  fcntl(d->cancelled[1], F_SETFL, O_NONBLOCK); /* cancel must never wait */
  host->watch(host, d->port, POLLIN);
  host->watch(host, d->cancelled[0], POLLIN);
  *instance = d;
  return TILLD_OK;
}

/* Whether a card of this reader is enough for the request; -1 when `at_least` is no text. */
static int is_enough(tilld_json body) {
  char wanted[32];
  tilld_json value;
  if (!tilld_json_member(body, "at_least", &value) || *value.begin == 'n') return 1; /* left out, or null */
  if (*value.begin != '"') return -1;
  if (!tilld_json_text(value, wanted, sizeof wanted)) return 1; /* a level of tomorrow is read as unknown */
  for (int i = level_of_this_reader + 1; i < (int)(sizeof levels / sizeof *levels); ++i)
    if (strcmp(wanted, levels[i]) == 0) return 0;
  return 1;
}

static void await(struct driver* d, const tilld_message* m, int enough) {
  for (int i = 0; i < waiting_max; ++i) {
    if (d->waiting[i].id != 0) continue;
    if (!enough) {
      refuse(d, m->id, m->name, TILLD_E_UNSUPPORTED, "no card proves as much on this reader");
      return;
    }
    d->waiting[i].id = m->id;
    d->waiting[i].until_ms = m->deadline_ms != 0 ? d->host->now(d->host) + m->deadline_ms : UINT64_MAX;
    set_deadline_timer(d);
    return;
  }
  refuse(d, m->id, m->name, TILLD_E_BUSY, "too many wait for a card already");
}

static void on_message(void* instance, const tilld_message* m) {
  struct driver* d = instance;
  tilld_json body;
  int enough;
  if (m->kind != TILLD_REQUEST) return;
  if (strcmp(m->name, AWAIT) != 0) {
    refuse(d, m->id, m->name, TILLD_E_UNSUPPORTED, "no such method");
    return;
  }
  enough = tilld_json_object(m->body, &body) ? is_enough(body) : -1;
  if (enough < 0)
    refuse(d, m->id, m->name, TILLD_E_INVALID, "at_least: must be text");
  else
    await(d, m, enough);
}

static const char* const provided[] = {"tilld.reader/1", NULL};
static const tilld_plugin plugin = {
    .struct_size = sizeof(tilld_plugin),
    .abi = TILLD_ABI,
    .id = "com.example.my-device",
    .version = "1.0.0",
    .summary = "Card readers on a serial port",
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
