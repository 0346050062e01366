// The layout of the ABI, pinned: a plugin that was built years ago must find every member where it was.
#include <gtest/gtest.h>
#include <tilld/plugin.h>

#include <cstddef>

static_assert(sizeof(void*) == 8, "the pinned layout is that of 64-bit systems");

static_assert(sizeof(tilld_bytes) == 16);
static_assert(offsetof(tilld_bytes, size) == 8);

static_assert(sizeof(tilld_message) == 64);
static_assert(offsetof(tilld_message, struct_size) == 0);
static_assert(offsetof(tilld_message, kind) == 4);
static_assert(offsetof(tilld_message, id) == 8);
static_assert(offsetof(tilld_message, status) == 16);
static_assert(offsetof(tilld_message, deadline_ms) == 20);
static_assert(offsetof(tilld_message, name) == 24);
static_assert(offsetof(tilld_message, body) == 32);
static_assert(offsetof(tilld_message, blob) == 48);

static_assert(sizeof(tilld_host) == 48);
static_assert(offsetof(tilld_host, struct_size) == 0);
static_assert(offsetof(tilld_host, abi_minor) == 4);
static_assert(offsetof(tilld_host, send) == 8);
static_assert(offsetof(tilld_host, log) == 16);
static_assert(offsetof(tilld_host, watch) == 24);
static_assert(offsetof(tilld_host, timer) == 32);
static_assert(offsetof(tilld_host, now) == 40);

static_assert(sizeof(tilld_plugin) == 104);
static_assert(offsetof(tilld_plugin, struct_size) == 0);
static_assert(offsetof(tilld_plugin, abi) == 4);
static_assert(offsetof(tilld_plugin, id) == 8);
static_assert(offsetof(tilld_plugin, version) == 16);
static_assert(offsetof(tilld_plugin, summary) == 24);
static_assert(offsetof(tilld_plugin, provides) == 32);
static_assert(offsetof(tilld_plugin, uses) == 40);
static_assert(offsetof(tilld_plugin, config_schema) == 48);
static_assert(offsetof(tilld_plugin, start) == 56);
static_assert(offsetof(tilld_plugin, stop) == 64);
static_assert(offsetof(tilld_plugin, on_message) == 72);
static_assert(offsetof(tilld_plugin, on_fd) == 80);
static_assert(offsetof(tilld_plugin, on_timer) == 88);
static_assert(offsetof(tilld_plugin, cancel) == 96);

// What the compiler has checked above is the same in the object code of C: plugin_host_test loads a plugin in
// plain C.
TEST(plugin_abi, numbers_its_statuses_for_ever) {
  EXPECT_EQ(TILLD_E_INTERNAL, 1);
  EXPECT_EQ(TILLD_E_INVALID, 2);
  EXPECT_EQ(TILLD_E_UNSUPPORTED, 3);
  EXPECT_EQ(TILLD_E_CONFIG, 4);
  EXPECT_EQ(TILLD_E_BUSY, 5);
  EXPECT_EQ(TILLD_E_TIMEOUT, 6);
  EXPECT_EQ(TILLD_E_CANCELLED, 7);
  EXPECT_EQ(TILLD_E_IO, 8);
  EXPECT_EQ(TILLD_E_NO_DEVICE, 9);
  EXPECT_EQ(TILLD_REQUEST, 1);
  EXPECT_EQ(TILLD_REPLY, 2);
  EXPECT_EQ(TILLD_EVENT, 3);
}
