/* A well-behaved plugin in plain C, to show that it takes no C++. It keeps the config and repeats what it
 * hears.
 *
 *   hello  answers with the config as it was given to start()
 *   echo   answers with body and blob of the request
 *   read   watches descriptor of a pipe of its own, writes to it, and answers from on_fd
 *   later  answers from on_timer */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tilld/plugin.h>
#include <unistd.h>

struct state {
  const tilld_host* host;
  char config[1024];
  int pipe[2];
  uint64_t waiting; /* the request that on_fd or on_timer answers */
};

static tilld_status start(const tilld_host* host, tilld_bytes config, void** instance) {
  struct state* s = calloc(1, sizeof *s);
  if (!s) return TILLD_E_INTERNAL;
  s->host = host;
  if (config.size >= sizeof s->config || pipe(s->pipe) != 0) {
    host->log(host, 3, "the config is too long for me");
    free(s);
    return TILLD_E_CONFIG;
  }
  memcpy(s->config, config.data, config.size);
  *instance = s;
  return TILLD_OK;
}

static void stop(void* instance) {
  struct state* s = instance;
  close(s->pipe[0]);
  close(s->pipe[1]);
  free(s);
}

static void reply(struct state* s, uint64_t id, const char* name, tilld_status status, tilld_bytes body,
                  tilld_bytes blob) {
  tilld_message m = {sizeof m, TILLD_REPLY, id, status, 0, name, body, blob};
  s->host->send(s->host, &m);
}

static tilld_bytes text(const char* t) {
  tilld_bytes b = {t, strlen(t)};
  return b;
}

static void on_message(void* instance, const tilld_message* m) {
  struct state* s = instance;
  const tilld_bytes nothing = {NULL, 0};
  if (m->kind != TILLD_REQUEST) return;
  if (strcmp(m->name, "org.tilld.test.hello/1.hello") == 0) {
    reply(s, m->id, m->name, TILLD_OK, text(s->config), nothing);
  } else if (strcmp(m->name, "org.tilld.test.hello/1.echo") == 0) {
    reply(s, m->id, m->name, TILLD_OK, m->body, m->blob);
  } else if (strcmp(m->name, "org.tilld.test.hello/1.read") == 0) {
    s->waiting = m->id;
    s->host->watch(s->host, s->pipe[0], POLLIN);
    if (write(s->pipe[1], "x", 1) != 1) reply(s, m->id, m->name, TILLD_E_IO, nothing, nothing);
  } else if (strcmp(m->name, "org.tilld.test.hello/1.later") == 0) {
    s->waiting = m->id;
    s->host->timer(s->host, 1, 1);
  } else {
    reply(s, m->id, m->name, TILLD_E_UNSUPPORTED, text("{\"detail\":\"no such method\"}"), nothing);
  }
}

static void on_fd(void* instance, int fd, int16_t events) {
  struct state* s = instance;
  const tilld_bytes nothing = {NULL, 0};
  char octet;
  (void)events;
  if (read(fd, &octet, 1) != 1) return;
  s->host->watch(s->host, fd, 0);
  reply(s, s->waiting, "org.tilld.test.hello/1.read", TILLD_OK, text("{\"read\":1}"), nothing);
}

static void on_timer(void* instance, uint32_t timer_id) {
  struct state* s = instance;
  const tilld_bytes nothing = {NULL, 0};
  if (timer_id == 1)
    reply(s, s->waiting, "org.tilld.test.hello/1.later", TILLD_OK, text("{\"later\":1}"), nothing);
}

static const char* const provided[] = {"org.tilld.test.hello/1", NULL};
static const tilld_plugin plugin = {sizeof(tilld_plugin),
                                    TILLD_ABI,
                                    "org.tilld.test.hello",
                                    "1.0.0",
                                    "Says hello in plain C",
                                    provided,
                                    NULL,
                                    "{\"type\":\"object\"}",
                                    start,
                                    stop,
                                    on_message,
                                    on_fd,
                                    on_timer,
                                    NULL};

const tilld_plugin* tilld_plugin_v1(void) { return &plugin; }
