/* tilld/plugin.h - everything tilld and a plugin know about each other.
 *
 * A plugin is a shared object that exports one function, tilld_plugin_v1(). The same file runs in
 * its own process (the rule) or on a thread of the daemon (for debugging); it cannot tell which.
 *
 * Three rules hold for every function below.
 *   Memory:   the caller owns what it passes and lends it until the call returns; the callee copies
 *             what it keeps. Neither side ever frees memory of the other.
 *   Threads:  [plugin-thread] calls never overlap for one instance and may block until the deadline
 *             of the request in hand. [any-thread] calls may come at any moment, also during those.
 *   Failure:  no exception, longjmp or exit() crosses this line. A refusal that the business
 *             expects ("limit exceeded") is a normal reply; tilld_status is for what went wrong.
 *
 * The process belongs to the host: SIGPIPE, SIGINT and SIGTERM are ignored in it, the environment is empty,
 * standard output goes where standard error goes, and only the paths are open that the instance was given. */
#ifndef TILLD_PLUGIN_H
#define TILLD_PLUGIN_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define TILLD_ABI 1       /* also in the name of the entry; a new number means old plugins must not load */
#define TILLD_ABI_MINOR 0 /* grows when a member is appended to tilld_host */

/* Limits of one message, in bytes. A message over a limit is refused by the function it was given to. */
#define TILLD_NAME_SIZE_MAX 128
#define TILLD_BODY_SIZE_MAX (1024 * 1024)
#define TILLD_BLOB_SIZE_MAX (4 * 1024 * 1024)

/* Values are never reused; unknown ones are read as TILLD_E_INTERNAL.
 * INVALID, UNSUPPORTED, CONFIG, BUSY and CANCELLED promise that the device did not act. The others promise
 * nothing: after one of them a request that changes something has an unknown outcome and is asked for. */
typedef int32_t tilld_status;
enum {
  TILLD_OK = 0,
  TILLD_E_INTERNAL = 1,    /* a bug in the callee */
  TILLD_E_INVALID = 2,     /* the message does not fit its schema */
  TILLD_E_UNSUPPORTED = 3, /* no such method or interface revision */
  TILLD_E_CONFIG = 4,      /* start() only: the YAML section is wrong; do not retry */
  TILLD_E_BUSY = 5,        /* try again later */
  TILLD_E_TIMEOUT = 6,
  TILLD_E_CANCELLED = 7,
  TILLD_E_IO = 8,       /* the device answered badly; it is still there */
  TILLD_E_NO_DEVICE = 9 /* the device is gone; the host stops the instance and looks for it */
};

typedef struct tilld_bytes {
  const void* data; /* may be NULL when size is 0 */
  size_t size;
} tilld_bytes;

enum { TILLD_REQUEST = 1, TILLD_REPLY = 2, TILLD_EVENT = 3 };

/* Names are "<interface>/<revision>.<word>", for example "tilld.printer/1.print". Only interfaces with a
 * header beside this one start with "tilld."; everybody else uses a reversed domain,
 * "com.example.scale/1.weigh". */
typedef struct tilld_message {
  uint32_t struct_size; /* sizeof(tilld_message) of whoever filled it in */
  uint32_t kind;
  uint64_t id;          /* of a request, unique per sender; its reply repeats it; 0 in an event */
  tilld_status status;  /* of a reply; not TILLD_OK: the body is {"detail": "...", "kind": "paper_out"} */
  uint32_t deadline_ms; /* of a request: how long the sender will wait; 0 is no limit */
  const char* name;     /* UTF-8, NUL-terminated; a reply repeats that of the request */
  tilld_bytes body;     /* one JSON object as in plugin-api/schema; readers ignore unknown members */
  tilld_bytes blob;     /* raw bytes next to it (a raster, a PDF), so JSON never carries base64 */
} tilld_message;

typedef struct tilld_host {
  uint32_t struct_size; /* a plugin tests it before it uses a member added after 1.0 */
  uint32_t abi_minor;
  /* Queues a copy of a reply, an event or a request to the host. A full queue blocks the caller for up to a
   * second and then says TILLD_E_BUSY; the message is not sent then. The event "tilld.instance/1.failed" with
   * a status and {"detail": "..."} says that the instance cannot go on; the host calls stop() and starts it
   * again later. [any-thread] */
  tilld_status (*send)(const struct tilld_host* host, const tilld_message* message);
  /* syslog levels, 3 error .. 7 debug. Never log card numbers or PINs. The last line at level 3 or less
   * before start() fails is shown to IT staff as the reason. [any-thread] */
  void (*log)(const struct tilld_host* host, int32_t level, const char* text);
  /* Calls on_fd when fd is ready, level-triggered; events are POLLIN etc., 0 stops. At most 64. Stop
   * watching before you close. [plugin-thread] */
  tilld_status (*watch)(const struct tilld_host* host, int fd, int16_t events);
  /* Calls on_timer once, after this many milliseconds; 0 stops the timer. At most 64. [plugin-thread] */
  tilld_status (*timer)(const struct tilld_host* host, uint32_t timer_id, uint32_t delay_ms);
  /* Milliseconds that only grow, since some moment before start(). [any-thread] */
  uint64_t (*now)(const struct tilld_host* host);
} tilld_host;

typedef struct tilld_plugin {
  uint32_t struct_size;
  uint32_t abi;                /* TILLD_ABI */
  const char* id;              /* "com.example.serial-scanner", for ever */
  const char* version;         /* "1.4.0" */
  const char* summary;         /* one line for `tillctl plugins` */
  const char* const* provides; /* "tilld.scanner/1", ..., NULL */
  const char* const* uses;     /* host services it will ask: "tilld.state/1", ..., NULL */
  const char* config_schema;   /* JSON Schema of its YAML section; tilld checks it before start() */
  /* Opens the device. config is its YAML section as JSON. On failure the host calls nothing more
   * on this instance, and logs what the plugin logged. [plugin-thread] */
  tilld_status (*start)(const tilld_host* host, tilld_bytes config, void** instance);
  /* Lets go of everything: no thread, no descriptor is left when it returns. [plugin-thread] */
  void (*stop)(void* instance);
  /* Every request is answered exactly once, now or later, unless stop() comes first. [plugin-thread] */
  void (*on_message)(void* instance, const tilld_message* message);
  void (*on_fd)(void* instance, int fd, int16_t events); /* [plugin-thread], may be NULL */
  void (*on_timer)(void* instance, uint32_t timer_id);   /* [plugin-thread], may be NULL */
  /* Makes a blocked request return soon; for nfc_abort_command() and the like. Never after stop() has begun.
   * [any-thread], may be NULL */
  void (*cancel)(void* instance, uint64_t id);
} tilld_plugin;

/* The only symbol. Has no side effects; the result lives as long as the library is loaded. */
__attribute__((visibility("default"))) const tilld_plugin* tilld_plugin_v1(void);

#ifdef __cplusplus
}
#endif
#endif
