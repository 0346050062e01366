/* Something new: an interface of your own. A till calls the word `measure` of it as
 * com.example.my-device.measure and subscribes to com.example.my-device.measured. Plain C, no library but the
 * C library. */
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

#define INTERFACE "com.example.my-device/1"

enum { digits_max = 9 };

struct driver {
  const tilld_host* host;
  int fd;
  size_t size;
  char line[digits_max + 1];
  int known; /* whether `value` was said by the device */
  long value;
};

/* The host copies what it is given. */
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

/* Each line of the device is a number. */
static void take(struct driver* d, char c) {
  char body[64];
  if (c >= '0' && c <= '9' && d->size < digits_max) d->line[d->size++] = c;
  if (c != '\n' || d->size == 0) return;
  d->line[d->size] = '\0';
  d->value = strtol(d->line, NULL, 10);
  d->known = 1;
  d->size = 0;
  snprintf(body, sizeof body, "{\"value\":%ld}", d->value);
  say(d, TILLD_EVENT, 0, TILLD_OK, INTERFACE ".measured", body);
}

static void on_fd(void* instance, int fd, int16_t events) {
  struct driver* d = instance;
  char chunk[256];
  const ssize_t size = read(fd, chunk, sizeof chunk);
  (void)events;
  if (size < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (size <= 0) {
    /* The instance cannot go on: the daemon stops it and looks for the device again. */
    d->host->watch(d->host, fd, 0);
    say(d, TILLD_EVENT, 0, TILLD_E_NO_DEVICE, "tilld.instance/1.failed",
        "{\"detail\":\"the device was unplugged\"}");
    return;
  }
  for (ssize_t i = 0; i < size; ++i) take(d, chunk[i]);
}

/* --- What the daemon calls. plugin.h says what each of them promises. */

static tilld_status start(const tilld_host* host, tilld_bytes config, void** instance) {
  char port[256], why[400];
  tilld_json section, value;
  struct termios how;
  struct driver* d;
  if (!tilld_json_object(config, &section) || !tilld_json_member(section, "port", &value) ||
      !tilld_json_text(value, port, sizeof port)) {
    host->log(host, 3, "port: is missing, or is no text");
    return TILLD_E_CONFIG;
  }
  d = calloc(1, sizeof *d);
  if (d == NULL) return TILLD_E_INTERNAL;
  d->host = host;
  d->fd = open(port, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
  if (d->fd < 0) {
    snprintf(why, sizeof why, "cannot open %s: %s", port, strerror(errno));
    host->log(host, 3, why);
    free(d);
    return TILLD_E_NO_DEVICE;
  }
  /* A terminal collects lines and says everything back to the device, unless it is told not to. */
  if (tcgetattr(d->fd, &how) == 0) {
    how.c_iflag = IGNBRK;
    how.c_oflag = 0;
    how.c_lflag = 0;
    how.c_cflag = CS8 | CREAD | CLOCAL;
    how.c_cc[VMIN] = 1;
    how.c_cc[VTIME] = 0;
    cfsetispeed(&how, B9600);
    cfsetospeed(&how, B9600);
    tcsetattr(d->fd, TCSANOW, &how);
  }
  host->watch(host, d->fd, POLLIN);
  *instance = d;
  return TILLD_OK;
}

static void stop(void* instance) {
  struct driver* d = instance;
  close(d->fd);
  free(d);
}

static void on_message(void* instance, const tilld_message* m) {
  struct driver* d = instance;
  tilld_json request;
  char body[64];
  if (m->kind != TILLD_REQUEST) return;
  if (strcmp(m->name, INTERFACE ".measure") != 0) {
    say(d, TILLD_REPLY, m->id, TILLD_E_UNSUPPORTED, m->name, "{\"detail\":\"no such method\"}");
  } else if (!tilld_json_object(m->body, &request)) {
    say(d, TILLD_REPLY, m->id, TILLD_E_INVALID, m->name, "{\"detail\":\"body: must be an object\"}");
  } else if (!d->known) {
    say(d, TILLD_REPLY, m->id, TILLD_E_BUSY, m->name, "{\"detail\":\"the device has said nothing yet\"}");
  } else {
    snprintf(body, sizeof body, "{\"value\":%ld}", d->value);
    say(d, TILLD_REPLY, m->id, TILLD_OK, m->name, body);
  }
}

static const char* const provided[] = {INTERFACE, NULL};
static const tilld_plugin plugin = {
    .struct_size = sizeof(tilld_plugin),
    .abi = TILLD_ABI,
    .id = "com.example.my-device",
    .version = "1.0.0",
    .summary = "Measures something",
    .provides = provided,
    .config_schema =
        "{\"type\":\"object\",\"required\":[\"port\"],\"additionalProperties\":false,"
        "\"properties\":{\"port\":{\"type\":\"string\"}}}",
    .start = start,
    .stop = stop,
    .on_message = on_message,
    .on_fd = on_fd,
};

const tilld_plugin* tilld_plugin_v1(void) { return &plugin; }
