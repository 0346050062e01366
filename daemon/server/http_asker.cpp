#include "daemon/server/http_asker.hpp"

#include <set>

#include <tilld/octets.hpp>

#include "base/log.hpp"

namespace tilld::daemon {
namespace {

constexpr std::size_t client_name_max = 64, strange_origins_max = 64;

// Not in the middle of a character: the name goes into the journal and into messages to others.
std::string shortened(std::string_view name) {
  std::size_t size = 0;
  while (size < name.size()) {
    auto next = utf8_character_size(name.substr(size));
    if (next == 0 || size + next > client_name_max) break;
    size += next;
  }
  return std::string(name.substr(0, size));
}

}  // namespace

std::shared_ptr<caller> asker_of(const wire::http_head& head, const http_verdict& verdict, const caller& who,
                                 bool vouched, till_parts& till) {
  auto asks = std::make_shared<caller>();
  asks->connection = who.connection;
  asks->language = who.language;
  asks->principal = who.principal;
  asks->acts_as = who.acts_as;
  asks->origin = verdict.origin;
  if (auto* language = head.find("accept-language"))
    asks->language = language->starts_with("de")   ? base::language::german
                     : language->starts_with("en") ? base::language::english
                                                   : who.language;
  if (auto* client = head.find("x-tilld-client")) asks->client = shortened(*client);
  if (verdict.where == http_verdict::goes::call && !vouched) {
    // Found a moment ago, in the same turn.
    auto row = till.tokens.find(verdict.token, verdict.origin);
    auto r = row ? parse_role(row->role) : std::nullopt;
    asks->acts_as = r.value_or(role::read);
    asks->principal = row ? "token:" + row->id : "";
  }
  return asks;
}

void log_strange_page(const wire::http_head& head) {
  static std::set<std::string> seen;
  auto* origin = head.find("origin");
  if (!origin || seen.size() >= strange_origins_max || !seen.insert(*origin).second) return;
  base::log(base::log_level::warning, "A web page was refused; its origin is not in listen.http.origins",
            {{"origin", origin->substr(0, 256)}});
}

}  // namespace tilld::daemon
