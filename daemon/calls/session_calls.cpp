// session.hello, session.bye, system.ping
#include <boost/json.hpp>

#include "daemon/calls/params.hpp"
#include "daemon/calls/parts.hpp"
#include "wire/plugin_frame.hpp"

namespace tilld::daemon {

using base::errc;
using base::error;
using wire::answer;
using wire::make_error;
using wire::make_result;

namespace {

// {"protocol":{"min":1,"max":1}}: the highest number that both sides know.
base::result<int> agree_on_protocol(const boost::json::object& params) {
  std::int64_t least = protocol_version, most = protocol_version;
  if (auto* range = params.if_contains("protocol"); range && range->is_object()) {
    least = integer_in(range->get_object(), "min").value_or(1);
    most = integer_in(range->get_object(), "max").value_or(least);
  }
  if (least > protocol_version || most < protocol_version)
    return error{errc::protocol_unsupported,
                 "this daemon speaks protocol 1 to " + std::to_string(protocol_version)};
  return protocol_version;
}

boost::json::array capabilities(const till_parts& till) {
  std::set<std::string> all{"sale", "events", "queue", "journal"};
  for (auto& plugin : till.plugins.all()) all.insert(plugin->provided().begin(), plugin->provided().end());
  boost::json::array list;
  for (auto& one : all) list.emplace_back(one);
  return list;
}

answer hello(till_parts& till, const call& c) {
  auto& who = *c.who;
  if (auto language = text_in(c.params, "language"))
    who.language = language->starts_with("de") ? base::language::german : base::language::english;
  auto protocol = agree_on_protocol(c.params);
  if (!protocol) return make_error(protocol.error(), who.language);
  who.protocol = *protocol;
  if (auto* client = c.params.if_contains("client"); client && client->is_object()) {
    auto version = text_in(client->get_object(), "version");
    who.client = text_in(client->get_object(), "name").value_or("") + (version ? "/" + *version : "");
  }
  // On TCP nobody is known before the token; on a Unix socket the kernel said who it is, and a token changes
  // nothing.
  if (who.principal.empty()) {
    auto token = text_in(c.params, "token");
    auto row = till.tokens.find(token.value_or(""), who.origin);
    auto r = row ? parse_role(row->role) : std::nullopt;
    if (!r)
      return make_error({errc::unauthenticated, token ? "the token is not known" : "token is missing"},
                        who.language);
    who.principal = "token:" + row->id;
    who.acts_as = *r;
  }
  boost::json::object result{{"protocol", who.protocol},
                             {"server", {{"name", "tilld"}, {"version", TILLD_VERSION}}},
                             {"till", till.settings.till},
                             {"branch", till.settings.branch},
                             {"merchant", till.settings.merchant},
                             {"principal", who.principal},
                             {"role", name(who.acts_as)},
                             {"language", who.language == base::language::german ? "de" : "en"},
                             {"session", who.connection},
                             {"boot", till.boot_id},
                             {"capabilities", capabilities(till)},
                             {"limits",
                              {{"line_octets", wire::line_size_max},
                               {"requests_in_flight", requests_in_flight_max},
                               {"connections", connections_max},
                               {"blob_octets", wire::plugin_blob_size_max},
                               {"memory_octets", connection_memory_max},
                               {"large_requests_octets", large_requests_max}}}};
  if (till.on_purpose) result["chaos"] = {{"seed", till.on_purpose->seed()}};
  return make_result(result);
}

answer ping(const till_parts& till, const call& c) {
  boost::json::object pong{{"unix_ms", till.clock.unix_ms()}};
  if (auto* echo = c.params.if_contains("echo")) pong["echo"] = *echo;
  return make_result(pong);
}

}  // namespace

void add_session_calls(router& methods, till_parts* till) {
  using namespace base::shape;
  methods.add(
      {.name = "session.hello",
       .summary = "Agrees on the protocol, chooses the language, and on TCP says who calls",
       .allowed = anyone,
       .before_hello = true,
       .params = object(
           {optional("protocol",
                     object({optional("min", whole(1, 1'000'000), "1 when left out"),
                             optional("max", whole(1, 1'000'000), "min when left out")}),
                     "the range that the caller speaks"),
            optional("client",
                     object({optional("name", text(0, 64), "of the till software"),
                             optional("version", text(0, 32), "its version")}),
                     "who calls, for people and for the journal"),
            optional("language", text(0, 16), "of user_message: de, or else en"),
            optional("token", text(0, 256), "on TCP, where it must be given; a Unix socket needs none")}),
       .result =
           object({needed("protocol", whole(), "the highest that both speak"),
                   needed("server",
                          object({needed("name", text(), "tilld"), needed("version", text(), "its version")}),
                          "who answers"),
                   needed("till", text(), "its id"), needed("branch", text(), "its shop"),
                   needed("merchant", text(), "whose books these are"),
                   needed("principal", text(), "who the caller is to the daemon, the scope of its keys"),
                   needed("role", text(), "what it may call"),
                   needed("language", one_of({"en", "de"}), "of sentences"),
                   needed("session", whole(), "number of the connection"),
                   needed("boot", hex(16), "another one after each start of the daemon"),
                   needed("capabilities", list(text()), "what this till can do now: parts and interfaces"),
                   needed("limits",
                          object({needed("line_octets", whole(), "of a line"),
                                  needed("requests_in_flight", whole(), "of a connection"),
                                  needed("connections", whole(), "of all clients"),
                                  needed("blob_octets", whole(), "of a blob beside a request over HTTP"),
                                  needed("memory_octets", whole(), "of all connections together"),
                                  needed("large_requests_octets", whole(),
                                         "of all large requests in hand together, sales aside")}),
                          "beyond which calls wait or are refused"),
                   optional("chaos", object({needed("seed", whole(0), "of --chaos")}),
                            "only with --chaos: things go wrong on purpose")}),
       .errors = {errc::protocol_unsupported, errc::unauthenticated}},
      [till](const call& c) { return hello(*till, c); });
  // The session closes after it has answered this.
  methods.add({.name = "session.bye",
               .summary = "Answers and closes the connection",
               .allowed = anyone,
               .params = object({}),
               .result = object({})},
              [](const call&) { return make_result({}); });
  methods.add({.name = "system.ping",
               .summary = "Answers at once, to see whether somebody is there",
               .allowed = anyone,
               .params = object({optional("echo", anything(), "comes back as it is")}),
               .result = object({needed("unix_ms", whole(), "the till's clock"),
                                 optional("echo", anything(), "as it came")})},
              [till](const call& c) { return ping(*till, c); });
}

}  // namespace tilld::daemon
