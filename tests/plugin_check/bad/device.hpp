// A plugin that keeps every rule: a scanner on a terminal, a card reader, a display, a printer without paper
// and a tender that declines. Each plugin beside this file is this one with one rule broken, by wrapping one
// of its functions.
#pragma once

#include <tilld/plugin.h>

#include <string_view>

const tilld_plugin& right();
// A copy whose functions may be replaced.
tilld_plugin& copy();

// A start() that keeps the host, for those that need it.
extern const tilld_host* the_host;
tilld_status start_and_keep_host(const tilld_host* host, tilld_bytes config, void** instance);

// A start() that gives the device a host whose send() is this function; it passes on what it likes by
// the_host.
using send_function = tilld_status (*)(const tilld_host* host, const tilld_message* message);
tilld_status start_with_send(send_function send, const tilld_host* host, tilld_bytes config, void** instance);

void send(const tilld_host* host, std::uint32_t kind, std::uint64_t id, tilld_status status, const char* name,
          std::string_view body);
inline void answer(const tilld_message* request, tilld_status status, std::string_view body) {
  send(the_host, TILLD_REPLY, request->id, status, request->name, body);
}

inline std::string_view body_of(const tilld_message* message) {
  return {static_cast<const char*>(message->body.data), message->body.size};
}
inline std::string_view name_of(const tilld_message* message) { return message->name; }

// The plugin of a file: the copy, after these words have been applied to it.
#define BROKEN_PLUGIN(...)                                    \
  extern "C" const tilld_plugin* tilld_plugin_v1(void) {      \
    static const bool broken = ([] { __VA_ARGS__; }(), true); \
    return broken ? &copy() : nullptr;                        \
  }
