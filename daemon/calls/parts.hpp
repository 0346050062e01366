// What the calls of a till work on. Made by till_daemon, which outlives every call. [I/O thread]
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <boost/asio/any_io_executor.hpp>

#include "base/clock.hpp"
#include "base/crypto.hpp"
#include "daemon/chaos/chaos.hpp"
#include "daemon/claims/claim_desk.hpp"
#include "daemon/config/config.hpp"
#include "daemon/events/device_states.hpp"
#include "daemon/events/event_hub.hpp"
#include "daemon/forward/forwarder.hpp"
#include "daemon/plugins/plugin_set.hpp"
#include "daemon/router/keyed_calls.hpp"
#include "daemon/router/router.hpp"
#include "daemon/router/token_book.hpp"
#include "daemon/store/storage_care.hpp"
#include "daemon/store/store.hpp"

namespace tilld::daemon {

inline constexpr int protocol_version = 1;
inline constexpr std::size_t requests_in_flight_max = 32;
inline constexpr std::int64_t wait_ms_max = 10 * 60 * 1000;  // for a device, or in a line
inline constexpr std::size_t connections_max = 256;
inline constexpr std::size_t connection_memory_max = 32 << 20;  // of all connections together
inline constexpr std::size_t calls_memory_max = 32 << 20;       // of all large requests in hand together
inline constexpr std::size_t large_requests_max = calls_memory_max / 4 * 3;  // of these, without sales

struct till_parts {
  boost::asio::any_io_executor executor;
  const config& settings;
  const base::clock& clock;
  store& journal;
  const storage_care& care;
  event_hub& events;
  plugin_set& plugins;
  claim_desk& claims;
  keyed_calls& keyed;
  router& methods;
  token_book& tokens;
  const base::signing_key& key;
  std::vector<std::unique_ptr<forwarder>>& destinations;  // in the order of the configuration
  std::string boot_id;                                    // of this run of the daemon
  base::time_stamp started;
  std::function<std::size_t()> connections;  // how many are open
  // Closes the connections of a principal that may not speak any more.
  std::function<void(const std::string& principal)> hang_up;
  boost::asio::any_io_executor aside;  // a thread for what would hold the I/O thread up; may be empty
  device_states states = {};           // what devices said of themselves last
  chaos* on_purpose = nullptr;         // what goes wrong on purpose; null in a shop
};

// Writes a record that no call asked for: a plugin died, a person decided. Failure is logged; nothing waits
// for it.
void journal_note(till_parts& till, std::string kind, boost::json::object body);

// Waiting records per destination, as every status answer has them.
boost::json::array describe_backlogs(const till_parts& till);
// The devices with their claims, as device.list has them.
boost::json::array describe_devices(const till_parts& till);

// Each adds the methods of one file. Without a till the table can be read, and nothing of it called.
void add_session_calls(router& methods, till_parts* till);
void add_system_calls(router& methods, till_parts* till);
void add_event_calls(router& methods, till_parts* till);
void add_sale_calls(router& methods, till_parts* till);
void add_operation_calls(router& methods, till_parts* till);
void add_journal_calls(router& methods, till_parts* till);
void add_prove_calls(router& methods, till_parts* till);
// plugin.*, device.list and every interface of the plugins
void add_plugin_calls(router& methods, till_parts* till);
void add_token_calls(router& methods, till_parts* till);
void add_claim_calls(router& methods, till_parts* till);
void add_cancel_calls(router& methods, till_parts* till);
void add_discover_calls(router& methods, till_parts* till);
// All of them.
void add_calls(router& methods, till_parts* till);
// What a till with every device would answer, to be read.
std::vector<method> whole_table();

// The words of the interfaces that are wanted, as methods.
std::vector<method> methods_of_words(const std::function<bool(std::string_view interface)>& wanted);

// From now on what plugins say goes to the holder of a claimed device, and who asked with a key hears of the
// end of the operation.
void pass_events_through_claims(till_parts& till);
void tell_of_operations(till_parts& till);

// Answers what plugins ask: tilld.state/1, tilld.journal/1, tilld.central/1.
void answer_plugins(till_parts& till);

}  // namespace tilld::daemon
