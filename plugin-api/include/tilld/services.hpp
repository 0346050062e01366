// What the daemon offers to plugins: tilld.central/1, tilld.journal/1 and tilld.state/1. A plugin asks with
// host.ask() and names the interface in `uses`, otherwise the answer is TILLD_E_UNSUPPORTED.
// plugin-api/schema has their schemas.
//
// One request is one transaction; there is no begin and no commit.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include <boost/json.hpp>

#include <tilld/vocabulary.hpp>

namespace tilld::services::central {

struct called {
  static constexpr std::array<std::string_view, 1> secret_members{"result"};
  static constexpr std::array<std::string_view, 1> personal_members{"result"};
  static constexpr std::array<std::string_view, 1> bearer_members{"result"};
  boost::json::value result;
};
BOOST_DESCRIBE_STRUCT(called, (), (result))

// Request: calls a method of the central server over the till's own connection. Its error comes as a failure
// with central's kind; central_unreachable means that nothing left the till. What the server does with a
// repeated call is the method's business: put the operation_id that you were given into params.
struct call {
  static constexpr const char* name = "tilld.central/1.call";
  static constexpr const char* summary = "Asks the central server that posts";
  static constexpr bool changes_state = true;
  static constexpr std::uint32_t deadline_ms_default = 10'000;
  static constexpr std::array<std::string_view, 1> secret_members{"params"};
  using reply = called;
  std::string method;  // "wallet.authorize"
  boost::json::object params;
  std::optional<std::uint32_t> timeout_ms;  // the deadline of the message holds where this is left out
};
BOOST_DESCRIBE_STRUCT(call, (), (method, params, timeout_ms))

struct interface_1 {
  static constexpr const char* name = "tilld.central/1";
  using requests = std::tuple<call>;
  using events = std::tuple<>;
};

}  // namespace tilld::services::central

namespace tilld::services::journal {

struct appended {
  std::uint64_t seq = 0;  // place in the till's chain
  std::string id;         // UUIDv7 of the record
};
BOOST_DESCRIBE_STRUCT(appended, (), (seq, id))

// Request: writes a record into the till's chain; it is durable when the answer comes, goes to every
// destination, and can never be taken back. No secret and no personal datum may be in it.
struct append {
  static constexpr const char* name = "tilld.journal/1.append";
  static constexpr const char* summary = "Writes a note of this plugin into the journal";
  static constexpr bool changes_state = true;
  static constexpr std::uint32_t deadline_ms_default = 5'000;
  using reply = appended;
  std::string
      kind;  // in the plugin's own namespace: its id, a dot and a word, "com.example.scale.calibrated"
  boost::json::object body;
};
BOOST_DESCRIBE_STRUCT(append, (), (kind, body))

struct interface_1 {
  static constexpr const char* name = "tilld.journal/1";
  using requests = std::tuple<append>;
  using events = std::tuple<>;
};

}  // namespace tilld::services::journal

// A small memory that outlives crashes, one for each instance. A value is any JSON, at most 64 KiB as text; a
// key is 1 to 128 printable ASCII characters. What is in it may be worth money, so values are secret in logs.
namespace tilld::services::state {

inline constexpr std::size_t key_size_max = 128;
inline constexpr std::size_t value_size_max = 64 * 1024;

inline const char* key_complaint(std::string_view key) {
  bool fine = !key.empty() && key.size() <= key_size_max;
  for (char c : key) fine = fine && c >= ' ' && c <= '~';
  return fine ? nullptr : "key: must be 1 to 128 printable ASCII characters";
}

struct found {
  static constexpr std::array<std::string_view, 1> secret_members{"value"};
  bool present = false;
  std::optional<boost::json::value> value;  // where present
};
BOOST_DESCRIBE_STRUCT(found, (), (present, value))

struct get {
  static constexpr const char* name = "tilld.state/1.get";
  static constexpr const char* summary = "A value that this instance kept";
  static constexpr bool changes_state = false;
  static constexpr std::uint32_t deadline_ms_default = 2'000;
  using reply = found;
  std::string key;
  const char* complaint() const { return key_complaint(key); }
};
BOOST_DESCRIBE_STRUCT(get, (), (key))

// Request: durable when it is answered. Replaces what was there.
struct put {
  static constexpr const char* name = "tilld.state/1.put";
  static constexpr const char* summary = "Keeps a value over restarts";
  static constexpr bool changes_state = true;
  static constexpr std::uint32_t deadline_ms_default = 5'000;
  static constexpr std::array<std::string_view, 1> secret_members{"value"};
  using reply = tilld::nothing;
  std::string key;
  boost::json::value value;
  const char* complaint() const { return key_complaint(key); }
};
BOOST_DESCRIBE_STRUCT(put, (), (key, value))

// Request: durable when it is answered. A key that is not there is fine.
struct remove {
  static constexpr const char* name = "tilld.state/1.remove";
  static constexpr const char* summary = "Forgets a value";
  static constexpr bool changes_state = true;
  static constexpr std::uint32_t deadline_ms_default = 5'000;
  using reply = tilld::nothing;
  std::string key;
  const char* complaint() const { return key_complaint(key); }
};
BOOST_DESCRIBE_STRUCT(remove, (), (key))

struct listed {
  std::vector<std::string> keys;  // in order of their octets, at most 1,000
  bool more = false;              // there are further ones: ask again after the last key
};
BOOST_DESCRIBE_STRUCT(listed, (), (keys, more))

struct list {
  static constexpr const char* name = "tilld.state/1.list";
  static constexpr const char* summary = "The keys that there are";
  static constexpr bool changes_state = false;
  static constexpr std::uint32_t deadline_ms_default = 5'000;
  using reply = listed;
  std::optional<std::string> prefix;
  std::optional<std::string> after;
};
BOOST_DESCRIBE_STRUCT(list, (), (prefix, after))

struct interface_1 {
  static constexpr const char* name = "tilld.state/1";
  using requests = std::tuple<get, put, remove, list>;
  using events = std::tuple<>;
};

}  // namespace tilld::services::state
