// The head of a request over HTTP, and what it is allowed to do.
#include "daemon/server/http_checks.hpp"
#include "tests/fuzz/target.hpp"
#include "wire/http_head.hpp"

namespace tilld::fuzz {
namespace {

using goes = daemon::http_verdict::goes;

constexpr auto good_token = "0123456789abcdef";

std::string written(const wire::http_head& head) {
  std::string text =
      head.method + " " + head.path + (head.query.empty() ? "" : "?" + head.query) + " HTTP/1.1\r\n";
  for (auto& [name, value] : head.fields) text += name + ": " + value + "\r\n";
  return text + "\r\n";
}

// A second and simple-minded reading: all fields of this name, in any case, with blanks around the value
// gone.
std::vector<std::string> fields_of(std::string_view octets, std::string_view lower_name) {
  std::vector<std::string> values;
  for (auto end = octets.find("\r\n"); end != octets.npos; end = octets.find("\r\n")) {
    auto line = octets.substr(0, end);
    octets.remove_prefix(end + 2);
    auto colon = line.find(':');
    if (colon != lower_name.size()) continue;
    bool same = true;
    for (std::size_t i = 0; i < colon; ++i)
      same &= (line[i] >= 'A' && line[i] <= 'Z' ? line[i] + 32 : line[i]) == lower_name[i];
    if (!same) continue;
    auto value = line.substr(colon + 1);
    while (!value.empty() && (value.front() == ' ' || value.front() == '\t')) value.remove_prefix(1);
    while (!value.empty() && (value.back() == ' ' || value.back() == '\t')) value.remove_suffix(1);
    values.emplace_back(value);
  }
  return values;
}

void check_verdict(std::string_view octets, const wire::http_head& head, bool vouched) {
  daemon::http_door door;
  door.vouched = vouched;
  door.hosts = {"127.0.0.1:7701", "localhost:7701"};
  door.origins = {"https://till.example"};
  auto v = daemon::judge(head, door, [](std::string_view token, const std::string&) {
    return token == good_token ? daemon::token_state::good : daemon::token_state::wrong;
  });
  if (v.where == goes::refused) {
    demand(v.status >= 400 && v.status < 500, "a refusal says why in a number");
    return;
  }
  auto hosts = fields_of(octets, "host"), origins = fields_of(octets, "origin");
  demand(hosts.size() == 1, "there is one Host");
  if (!vouched) {
    auto host = hosts[0];
    for (auto& c : host) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c);
    demand(host == "127.0.0.1:7701" || host == "localhost:7701", "nothing goes through under a foreign name");
    if (v.where == goes::call) {
      auto said = fields_of(octets, "authorization");
      demand(said.size() == 1 && said[0].ends_with(good_token), "nothing is called without the token");
    }
  }
  for (auto& o : origins) demand(!vouched && o == "https://till.example", "no foreign page goes through");
  demand(v.body_octets_max <= (6u << 20), "a body is bounded");
}

// What is accepted means one thing only: written again from its parts it is the same head, and a second
// reader sees the same Host, Origin and Authorization. No request of a foreign page, for a foreign host or
// without a token gets on.
void eat(std::string_view octets) {
  bool vouched = octets.starts_with('!');
  if (vouched) octets.remove_prefix(1);
  auto size = wire::http_head_size(octets);
  if (size == octets.npos) return;
  demand(octets.substr(0, size).ends_with("\r\n\r\n"), "a head ends with an empty line");
  octets = octets.substr(0, size);
  auto head = wire::parse_http_head(octets);
  if (!head) {
    demand(head.error().status >= 400 && head.error().status < 600, "a fault has a status");
    return;
  }
  auto again = wire::parse_http_head(written(*head));
  demand(again.has_value(), "what was read can be written");
  demand(again->fields == head->fields && again->path == head->path && again->method == head->method &&
             again->content_length == head->content_length && again->chunked == head->chunked,
         "what is written is what was read");
  demand(!(head->chunked && head->content_length), "a body has one length");
  check_verdict(octets, *head, vouched);
}

const target http_request{"http_request", eat};

}  // namespace
}  // namespace tilld::fuzz
