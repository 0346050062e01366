/* What the test plugins in plain C have in common: one instance, one word, and a way to answer.
 *
 * Each of them misbehaves in one way when its word "go" is called, and harms nobody outside its process. */
#ifndef TILLD_TESTS_PLAIN_PLUGIN_H
#define TILLD_TESTS_PLAIN_PLUGIN_H

#include <stddef.h>
#include <string.h>
#include <tilld/plugin.h>

#ifdef __cplusplus
extern "C" {
#endif

static const tilld_host* the_host;

static inline tilld_status answer(const tilld_message* request, tilld_status status, const char* body) {
  tilld_message reply;
  memset(&reply, 0, sizeof reply);
  reply.struct_size = sizeof reply;
  reply.kind = TILLD_REPLY;
  reply.id = request->id;
  reply.status = status;
  reply.name = request->name;
  reply.body.data = body;
  reply.body.size = strlen(body);
  return the_host->send(the_host, &reply);
}

static inline tilld_status emit(const char* name, const char* body, size_t size) {
  tilld_message event;
  memset(&event, 0, sizeof event);
  event.struct_size = sizeof event;
  event.kind = TILLD_EVENT;
  event.name = name;
  event.body.data = body;
  event.body.size = size;
  return the_host->send(the_host, &event);
}

static tilld_status start_plainly(const tilld_host* host, tilld_bytes config, void** instance) {
  (void)config;
  (void)instance;
  the_host = host;
  return TILLD_OK;
}

static void stop_plainly(void* instance) { (void)instance; }

/* id: "org.tilld.test.crash"; interface: the same with "/1". */
#define PLAIN_PLUGIN(plugin_id, interface, what_it_does, message_function)                                   \
  static const char* const provided[] = {interface, NULL};                                                   \
  static const tilld_plugin plugin = {                                                                       \
      sizeof(tilld_plugin),    TILLD_ABI,     plugin_id,    "1.0.0",          what_it_does, provided, NULL,  \
      "{\"type\":\"object\"}", start_plainly, stop_plainly, message_function, NULL,         NULL,     NULL}; \
  const tilld_plugin* tilld_plugin_v1(void) { return &plugin; }

#ifdef __cplusplus
}
#endif
#endif
