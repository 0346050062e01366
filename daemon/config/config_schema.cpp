#include "daemon/config/config_schema.hpp"

#include <boost/json.hpp>

#include "base/file_schema.hpp"

namespace tilld::daemon {

using namespace base::shape;
using base::schema;
namespace json = boost::json;

namespace {

schema user_or_group() {
  return schema({{"type", json::array{"string", "integer"}},
                 {"minLength", 1},
                 {"minimum", 0},
                 {"maximum", 4294967295}});
}

schema socket_path() { return absolute_path().with("maxLength", 100); }

// The parts that a sentence explains in docs/configuration.md; wire/origin.hpp is stricter in small things.
schema origin() {
  return judged(
      text(),
      R"(^(?![Ff][Ii][Ll][Ee]:)(?![Hh][Tt][Tt][Pp]://(?!([a-z0-9._-]+\.)?localhost(:|/?$)|127\.0\.0\.1(:|/?$)|\[::1\](:|/?$))))"
      R"([A-Za-z][A-Za-z0-9+.-]*://([A-Za-z0-9_-]([A-Za-z0-9._-]*[A-Za-z0-9_-])?|\[[0-9A-Fa-f:]+\])(:[1-9][0-9]{0,4})?/?$)",
      "an origin as https://till.example or https://till.example:8443; http only for this machine");
}

schema till() {
  return closed(object({needed("id", short_name(),
                               "The id of this till, unique within the merchant; it stands in every record "
                               "and cannot change later"),
                        needed("branch", short_name(), "The shop in which it stands"),
                        needed("merchant", short_name(), "The business to which the branch belongs")}));
}

schema storage() {
  auto backup = closed(object(
      {needed("folder", absolute_path(), "Where the copies lie, best on another disk; it must be there"),
       optional("every_hours", with_default(whole(1, 24 * 31), 24), "From one copy to the next"),
       optional("keep", with_default(whole(1, 1000), 7), "How many are kept; the oldest goes first")}));
  return closed(object(
      {optional(
           "keep_free_mib", with_default(whole(0, 1 << 20), 64),
           "MiB of the disk below which new sales are refused, so that what is stored can still be sent"),
       optional("backup", std::move(backup), "Copies of the journal in a second folder; none unless set")}));
}

schema role_line() {
  auto line = closed(object({optional("user", user_or_group(), "Name or number of a Unix user"),
                             optional("group", user_or_group(), "Name or number of a Unix group"),
                             needed("role", one_of({"till", "operator", "self_checkout", "read", "admin"}),
                                    "What whoever fits may call; docs/methods.md has the table")}));
  // A key with nothing behind it is none.
  auto with = [](const char* key) {
    return json::object{{"required", json::array{key}},
                        {"properties", {{key, {{"not", {{"type", "null"}}}}}}}};
  };
  return line.with("x-editor-anyOf", json::array{with("user"), with("group")});
}

schema http() {
  return closed(
      object({needed("address", loopback_address(),
                     "Where HTTP and WebSocket listen; port 0 lets the kernel choose"),
              optional("origins", list(origin(), 0, 64),
                       "The web pages that may come, as browsers write them; without any, only programs")}));
}

schema listen() {
  return closed(object(
      {optional("unix", with_default(socket_path(), "/run/tilld/tilld.sock"), "Socket for tills"),
       optional("admin", with_default(socket_path(), "/run/tilld/admin.sock"), "Socket for administration"),
       optional("tcp", loopback_address(),
                "TCP for tills that cannot use a Unix socket, with a token; off unless set"),
       optional("http", http(),
                "HTTP and WebSocket, for programs and for tills in a browser; off unless set"),
       optional("roles", list(role_line()),
                "What Unix users may do on the till socket; the first line that fits decides")}));
}

schema destination() {
  auto url = judged(text(), R"(^tcp://(127(\.[0-9]{1,3}){3}|\[::1\]|localhost):0*[1-9][0-9]{0,4}$)",
                    "tcp://127.0.0.1:PORT");
  auto key = judged(text(), "^[0-9a-fA-F]{64}$", "64 hexadecimal digits");
  return closed(object(
      {needed("name", short_name(), "For people; the till remembers under it how far it has come"),
       needed("url", std::move(url), "Where the central server listens for tills"),
       needed(
           "role", one_of({"ledger", "witness"}),
           "ledger posts money and points, and exactly one destination is it; a witness verifies and keeps"),
       optional(
           "public_key", std::move(key),
           "The key that the server must prove; left out, the key of the first connection is insisted on")}));
}

schema plugin() {
  auto file = judged(text(), "^(/.*[^/]|[^/]+)$", "a plain name or a path that begins with /");
  return closed(object(
      {needed("name", short_name(), "The device in calls, in tillctl plugins and in the log"),
       needed("plugin", std::move(file),
              "Name of a file in plugin_folder, with or without .so, or a whole path"),
       optional("isolation", with_default(one_of({"process", "none"}), "process"),
                "In a process of its own, or on a thread of the daemon, for debugging"),
       optional("config", object(), "What the plugin itself wants to know; its README says what"),
       optional("paths",
                list(judged(text(), "^/",
                            "a path that begins with /, with :rw behind it where it may be written")),
                "What else it may read, and with :rw write"),
       optional("memory_max_mib", with_default(whole(16, 4096), 256), "Memory that it may take, in MiB")}));
}

schema journal() {
  return closed(object(
      {optional("checkpoint_every", with_default(whole(1, 100'000), 100),
                "After so many records the till signs where its journal stands"),
       optional(
           "retention_days", with_default(whole(0, 36'500), 0),
           "Records that every destination has signed for are moved into files of their own after so many "
           "days; 0 keeps all in the journal")}));
}

schema alarm() {
  return closed(object(
      {optional(
           "waiting_records", with_default(whole(1, 1'000'000'000), 1000),
           "When more records than this wait for a destination, the status says that somebody must look"),
       optional("waiting_minutes", with_default(whole(1, 525'600), 240),
                "The same, when the oldest of them has waited longer than this")}));
}

}  // namespace

schema config_schema() {
  return closed(object(
      {needed("till", till(), "Which till this is"),
       optional("state", with_default(absolute_path(), "/var/lib/tilld"),
                "Folder for the journal, the keys and what plugins keep; one daemon owns it"),
       optional("language", with_default(one_of({"en", "de"}), "en"),
                "Language of sentences for cashiers, for clients that choose none"),
       optional("storage", storage(), "What is kept free on the disk, and copies of the journal"),
       optional("listen", listen(), "Through which doors till software comes in"),
       optional("destinations", merged_by_name(list(destination())),
                "Where records go; without any they stay on this till"),
       optional("plugin_folder", absolute_path(),
                "Where plugins lie that are named without a path; left out, the folder that was installed "
                "with tilld"),
       optional("journal", journal(), "How the journal is signed, and how long it stays in one piece"),
       optional("alarm", alarm(), "When a destination that lags behind needs a person"),
       optional("plugins", merged_by_name(list(plugin())), "The device programs, one entry an instance")}));
}

schema drop_in_schema() { return base::of_drop_in(config_schema()); }

std::vector<printed_schema> schemas_for_editors() {
  return {{"tilld.schema.json", base::for_editors(config_schema(), "tilld.yaml, how a till is set up")},
          {"tilld-drop-in.schema.json",
           base::for_editors(drop_in_schema(), "A file of conf.d beside tilld.yaml")}};
}

}  // namespace tilld::daemon
