// session.hello, session.bye, system.ping
#include <boost/json.hpp>

#include "daemon/calls/params.hpp"
#include "daemon/calls/parts.hpp"

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
  if (auto* range = params.if_contains("protocol")) {
    if (!range->is_object()) return invalid_member("protocol", R"(must be {"min":1,"max":1})");
    auto min = optional_integer(range->get_object(), "min", 1, 1'000'000);
    auto max = optional_integer(range->get_object(), "max", 1, 1'000'000);
    if (!min) return min.error();
    if (!max) return max.error();
    least = min->value_or(1);
    most = max->value_or(least);
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
  auto language = optional_text(c.params, "language", 16);
  if (!language) return make_error(language.error(), who.language);
  if (*language)
    who.language = (*language)->starts_with("de") ? base::language::german : base::language::english;
  auto protocol = agree_on_protocol(c.params);
  if (!protocol) return make_error(protocol.error(), who.language);
  who.protocol = *protocol;
  if (auto* client = c.params.if_contains("client"); client && client->is_object()) {
    auto name = optional_text(client->get_object(), "name", 64);
    auto version = optional_text(client->get_object(), "version", 32);
    if (!name || !version) return make_error(!name ? name.error() : version.error(), who.language);
    who.client = name->value_or("") + (*version ? "/" + **version : "");
  }
  // On TCP nobody is known before the token; on a Unix socket the kernel said who it is, and a token changes
  // nothing.
  if (who.principal.empty()) {
    auto token = optional_text(c.params, "token", 256);
    if (!token) return make_error(token.error(), who.language);
    auto row = till.tokens.find(token->value_or(""));
    auto r = row ? parse_role(row->role) : std::nullopt;
    if (!r)
      return make_error({errc::unauthenticated, *token ? "the token is not known" : "token is missing"},
                        who.language);
    who.principal = "token:" + row->id;
    who.acts_as = *r;
  }
  return make_result({{"protocol", who.protocol},
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
                        {"memory_octets", connection_memory_max}}}});
}

}  // namespace

void add_session_calls(till_parts& till) {
  till.methods.add({"session.hello", anyone, false, [&till](const call& c) { return hello(till, c); }, {}});
  // The session closes after it has answered this.
  till.methods.add({"session.bye", anyone, false, [](const call&) { return make_result({}); }, {}});
  till.methods.add({"system.ping",
                    anyone,
                    false,
                    [&till](const call& c) {
                      boost::json::object pong{{"unix_ms", till.clock.unix_ms()}};
                      if (auto* echo = c.params.if_contains("echo")) pong["echo"] = *echo;
                      return make_result(pong);
                    },
                    {}});
}

}  // namespace tilld::daemon
