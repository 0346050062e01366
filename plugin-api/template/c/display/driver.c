/* A customer display on a serial port that shows two lines of twenty characters, cleared by a form feed, as
 * many pole displays do. Plain C, no library but the C library. */
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

enum { columns = 20, lines_shown = 2, write_ms_max = 2000, clear_timer = 1 };

struct driver {
  const tilld_host* host;
  int port;
};

/* The host copies what it is given. */
static void reply(const struct driver* d, const tilld_message* to, tilld_status status, const char* detail) {
  char body[160] = "{}";
  tilld_message m;
  if (status != TILLD_OK) snprintf(body, sizeof body, "{\"detail\":\"%s\"}", detail);
  memset(&m, 0, sizeof m);
  m.struct_size = sizeof m;
  m.kind = TILLD_REPLY;
  m.id = to->id;
  m.status = status;
  m.name = to->name;
  m.body.data = body;
  m.body.size = strlen(body);
  d->host->send(d->host, &m);
}

static tilld_status write_all(const struct driver* d, const char* octets, size_t size) {
  while (size > 0) {
    const ssize_t written = write(d->port, octets, size);
    struct pollfd room = {d->port, POLLOUT, 0};
    if (written > 0) {
      octets += written;
      size -= (size_t)written;
    } else if (errno != EAGAIN && errno != EINTR) {
      return TILLD_E_NO_DEVICE;
    } else if (poll(&room, 1, write_ms_max) == 0) {
      return TILLD_E_TIMEOUT;
    }
  }
  return TILLD_OK;
}

/* What the display cannot show becomes a question mark, one for each character. */
static size_t fit(const char* utf8, char* to) {
  size_t size = 0;
  for (; *utf8 != '\0' && size < columns; ++utf8) {
    const unsigned char c = (unsigned char)*utf8;
    if ((c & 0xc0) == 0x80) continue; /* the rest of a longer character */
    to[size++] = c >= 0x20 && c < 0x7f ? (char)c : '?';
  }
  return size;
}

/* Reads the request whole before anything is shown. 0 with `why` when it does not fit its schema. */
static int read_show(tilld_bytes from, char* octets, size_t* size, int64_t* duration_ms, const char** why) {
  tilld_json body, lines, line, value;
  char text[512];
  *why = "lines: must be a list of texts";
  *size = 0;
  *duration_ms = 0;
  if (!tilld_json_object(from, &body) || !tilld_json_member(body, "lines", &lines) || *lines.begin != '[')
    return 0;
  octets[(*size)++] = '\f';
  for (size_t i = 0; tilld_json_element(lines, i, &line); ++i) {
    if (*line.begin != '"') return 0;
    if (i >= lines_shown) continue;
    if (!tilld_json_text(line, text, sizeof text)) strcpy(text, "?"); /* far longer than any display */
    if (i > 0) {
      memcpy(octets + *size, "\r\n", 2);
      *size += 2;
    }
    *size += fit(text, octets + *size);
  }
  *why = "qr: must be text";
  if (tilld_json_member(body, "qr", &value) && *value.begin != '"' && *value.begin != 'n') return 0;
  *why = "duration_ms: must be an integer from 0 to 4294967295";
  if (!tilld_json_member(body, "duration_ms", &value) || *value.begin == 'n') return 1;
  return tilld_json_integer(value, duration_ms) && *duration_ms >= 0 && *duration_ms <= INT64_C(4294967295);
}

static void on_message(void* instance, const tilld_message* m) {
  struct driver* d = instance;
  char octets[1 + lines_shown * (columns + 2)];
  size_t size = 0;
  int64_t duration_ms = 0;
  const char* why = "body: must be an object";
  tilld_json body;
  tilld_status status;
  if (m->kind != TILLD_REQUEST) return;
  if (strcmp(m->name, "tilld.display/1.show") == 0) {
    if (!read_show(m->body, octets, &size, &duration_ms, &why)) {
      reply(d, m, TILLD_E_INVALID, why);
      return;
    }
  } else if (strcmp(m->name, "tilld.display/1.clear") == 0) {
    if (!tilld_json_object(m->body, &body)) {
      reply(d, m, TILLD_E_INVALID, why);
      return;
    }
    octets[size++] = '\f';
  } else {
    reply(d, m, TILLD_E_UNSUPPORTED, "no such method");
    return;
  }
  status = write_all(d, octets, size);
  if (status == TILLD_OK) d->host->timer(d->host, clear_timer, (uint32_t)duration_ms); /* 0 stops it */
  reply(d, m, status, status == TILLD_E_TIMEOUT ? "the display takes nothing" : "the display was unplugged");
}

static void on_timer(void* instance, uint32_t timer_id) {
  (void)timer_id;
  write_all(instance, "\f", 1);
}

/* Watched for nothing but the end: displays say nothing. */
static void on_fd(void* instance, int fd, int16_t events) {
  static const char detail[] = "{\"detail\":\"the display was unplugged\"}";
  struct driver* d = instance;
  char chunk[64];
  tilld_message m;
  const ssize_t size = read(fd, chunk, sizeof chunk);
  (void)events;
  if (size > 0 || (size < 0 && (errno == EAGAIN || errno == EINTR))) return;
  d->host->watch(d->host, fd, 0);
  memset(&m, 0, sizeof m);
  m.struct_size = sizeof m;
  m.kind = TILLD_EVENT;
  m.status = TILLD_E_NO_DEVICE;
  m.name = "tilld.instance/1.failed";
  m.body.data = detail;
  m.body.size = sizeof detail - 1;
  d->host->send(d->host, &m);
}

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
  d->port = open(port, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
  if (d->port < 0) {
    snprintf(why, sizeof why, "cannot open %s: %s", port, strerror(errno));
    host->log(host, 3, why);
    free(d);
    return TILLD_E_NO_DEVICE;
  }
  if (tcgetattr(d->port, &how) == 0) {
    how.c_iflag = IGNBRK;
    how.c_oflag = 0;
    how.c_lflag = 0;
    how.c_cflag = CS8 | CREAD | CLOCAL;
    how.c_cc[VMIN] = 1;
    how.c_cc[VTIME] = 0;
    cfsetispeed(&how, B9600);
    cfsetospeed(&how, B9600);
    tcsetattr(d->port, TCSANOW, &how);
  }
  host->watch(host, d->port, POLLIN);
  *instance = d;
  return TILLD_OK;
}

static void stop(void* instance) {
  struct driver* d = instance;
  close(d->port);
  free(d);
}

static const char* const provided[] = {"tilld.display/1", NULL};
static const tilld_plugin plugin = {
    .struct_size = sizeof(tilld_plugin),
    .abi = TILLD_ABI,
    .id = "com.example.my-device",
    .version = "1.0.0",
    .summary = "Customer displays on a serial port",
    .provides = provided,
    .config_schema =
        "{\"type\":\"object\",\"required\":[\"port\"],\"additionalProperties\":false,"
        "\"properties\":{\"port\":{\"type\":\"string\"}}}",
    .start = start,
    .stop = stop,
    .on_message = on_message,
    .on_fd = on_fd,
    .on_timer = on_timer,
};

const tilld_plugin* tilld_plugin_v1(void) { return &plugin; }
