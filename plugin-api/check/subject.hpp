// The plugin that is examined: its file, how it is to be configured, and what it says of itself.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include <boost/json.hpp>

#include "daemon/plugin_host/sandbox.hpp"

namespace tilld::plugin_check {

using complaint_function = std::function<std::optional<std::string>(const boost::json::object&)>;

// A request of an interface that the plugin provides and whose schema is known.
struct word {
  std::string interface, full_name;
  boost::json::object request_schema;
  complaint_function complaint_about_request, complaint_about_reply;
  std::optional<boost::json::object> example;  // from the schema, of interfaces that are not tilld's
  bool changes_state = false;
  bool moves_value = false;
  bool waits = false;  // may be answered at its deadline only: nobody lays a card on the reader
};

struct topic {
  std::string full_name;
  complaint_function complaint;
};

struct subject {
  std::string file;  // absolute
  boost::json::object config;
  std::vector<daemon::plugin_host::allowed_path> allowed_paths;
  // Whether the device may really act: print, open, charge. True also where the device is one of ours.
  bool may_act = false;
  std::uint64_t seed = 1;
  std::string folder;  // for what a plugin writes; made and removed by the program
  bool slow = false;   // talk to it an octet at a time

  // From hello.
  std::string why_not_loaded;  // empty: it is loaded
  std::string id, version, summary;
  std::vector<std::string> provides, uses;
  boost::json::object config_schema;
  std::string why_not_started;  // with the configuration above; empty: it starts

  std::vector<word> words;
  std::vector<topic> topics;
  std::vector<std::string> without_schema;  // interfaces of others that nobody gave a schema for
};

// Whether the configuration names a device that the check makes itself, by one of these words in a text of
// it:
// ${pty}, ${tcp}, ${folder}.
bool has_place(const boost::json::object& config, std::string_view place);
// The configuration with each such word replaced.
boost::json::object put_in_place(const boost::json::object& config, std::string_view place,
                                 const std::string& with);

// Fills in words, topics and without_schema for what the subject provides: from tilld's own table, and from
// files of the form of plugin-api/schema/tilld.scanner.1.json. A sentence when such a file cannot be used.
std::optional<std::string> read_interfaces(subject& it, const std::vector<std::string>& schema_files);

}  // namespace tilld::plugin_check
