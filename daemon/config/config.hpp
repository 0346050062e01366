// tilld.yaml and its drop-ins as typed values. config_schema.hpp says which keys there are and layers.hpp how
// several files become one. An unknown key or a wrong value is refused with file, line and, where one is
// near, the word that was meant.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <boost/json/object.hpp>

#include "base/bytes.hpp"
#include "base/crypto.hpp"
#include "base/error.hpp"
#include "wire/loopback.hpp"
#include "wire/sync.hpp"

namespace tilld::daemon {

// What a connection may do; docs/methods.md has the table.
enum class role { till, operator_, self_checkout, read, admin };
inline constexpr role every_role[] = {role::till, role::operator_, role::self_checkout, role::read,
                                      role::admin};
std::string_view name(role r);
std::optional<role> parse_role(std::string_view text);

// Which Unix user or group gets which role on the till socket. The first line that fits decides.
struct role_mapping {
  std::optional<std::uint32_t> user;   // uid
  std::optional<std::uint32_t> group;  // gid, one that the process is in
  role gets = role::till;
};

// The door for HTTP and WebSocket.
struct http_config {
  wire::loopback_address address;
  std::vector<std::string> origins;  // of the pages that may come, as wire::parse_origin() spells them
};

struct listen_config {
  std::string unix_path = "/run/tilld/tilld.sock";
  std::string admin_path = "/run/tilld/admin.sock";
  std::vector<role_mapping> roles;
  std::optional<wire::loopback_address> tcp;  // off unless configured
  std::optional<http_config> http;            // off unless configured
};

struct destination_config {
  std::string name;
  wire::loopback_address address;
  wire::sync::role expected_role = wire::sync::role::ledger;
  std::optional<base::public_key> public_key;  // else the key of the first connection is kept
};

enum class isolation { process, none };

struct plugin_config {
  std::string name;  // of the instance, a short name
  std::string file;  // absolute path of the shared object
  isolation how = isolation::process;
  boost::json::object config;
  std::vector<std::string> paths;  // what else it may touch; ":rw" behind a path allows writing
  std::uint64_t memory_max = 256 << 20;
};

// Copies of the journal in a second folder, best on a second disk.
struct backup_config {
  std::string folder;
  std::uint32_t every_hours = 24;
  std::uint32_t keep = 7;
};

struct storage_config {
  std::uint64_t keep_free = 64 << 20;   // octets below which new sales are refused
  std::optional<backup_config> backup;  // none unless configured
};

struct config {
  std::string till, branch, merchant;
  std::string state_folder = "/var/lib/tilld";
  base::language language = base::language::english;  // of clients that do not choose
  listen_config listen;
  storage_config storage;
  std::vector<destination_config> destinations;
  std::vector<plugin_config> plugins;
  // After how many records the till signs its journal, and when it is alarmed about a destination.
  std::uint64_t checkpoint_every = 100;
  std::uint64_t lag_records_max = 1000;  // records that wait for a destination
  std::uint64_t lag_minutes_max = 240;   // the age of the oldest of them
  std::uint64_t retention_days = 0;      // 0: nothing is ever taken out of the journal
  base::hash256 digest{};                // of all files that were read, to notice a change
};

struct layers;

// From this file and those of the folder conf.d beside it.
base::result<config> load_config(const std::string& path);
base::result<config> read_config(const layers& from);

}  // namespace tilld::daemon
