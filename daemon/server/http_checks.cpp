#include "daemon/server/http_checks.hpp"

#include <algorithm>

#include <tilld/octets.hpp>

#include "wire/json_rpc.hpp"
#include "wire/plugin_frame.hpp"

namespace tilld::daemon {

using base::errc;
using goes = http_verdict::goes;

namespace {

http_verdict refused(int status, errc code, const std::string& why, http_verdict so_far = {}) {
  so_far.where = goes::refused;
  so_far.status = status;
  so_far.why = {code, why};
  return so_far;
}

std::string lowered(std::string_view s) {
  std::string out(s);
  for (auto& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + ('a' - 'A'));
  return out;
}

// "application/json" of "application/json; charset=utf-8"; empty for any other charset.
std::string media_type(const std::string& content_type) {
  auto text = lowered(content_type);
  auto semicolon = text.find(';');
  auto type = text.substr(0, semicolon);
  while (!type.empty() && (type.back() == ' ' || type.back() == '\t')) type.pop_back();
  if (semicolon == std::string::npos) return type;
  std::string parameter;
  for (char c : text.substr(semicolon + 1))
    if (c != ' ' && c != '\t' && c != '"') parameter += c;
  return parameter.empty() || parameter == "charset=utf-8" ? type : "";
}

// "Bearer TOKEN"; the word in any case, as RFC 9110 has it.
std::string bearer_token(const wire::http_head& head) {
  auto* value = head.find("authorization");
  if (!value || value->size() < 8 || lowered(value->substr(0, 7)) != "bearer ") return "";
  return value->substr(7);
}

bool contains(const std::vector<std::string>& all, const std::string& one) {
  return std::find(all.begin(), all.end(), one) != all.end();
}

// Each fails or lets go on; in this order, and nothing is looked at before its turn.

bool names_this_host(const wire::http_head& head, const http_door& door) {
  return door.vouched || contains(door.hosts, lowered(*head.find("host")));
}

http_verdict find_route(const wire::http_head& head) {
  struct {
    std::string_view path, method, allow;
    goes where;
  } const routes[] = {{"/rpc", "POST", "POST, OPTIONS", goes::call},
                      {"/ws", "GET", "GET, OPTIONS", goes::websocket},
                      {"/health", "GET", "GET, OPTIONS", goes::health}};
  if (head.method != "POST" && head.method != "GET" && head.method != "OPTIONS") {
    http_verdict v;
    v.allow = "GET, POST, OPTIONS";
    return refused(405, errc::invalid_request, "only POST, GET and OPTIONS are answered", v);
  }
  for (auto& r : routes) {
    if (head.path != r.path) continue;
    http_verdict v;
    v.where = head.method == "OPTIONS" ? goes::preflight : r.where;
    v.allow = r.allow;
    if (head.method == r.method || head.method == "OPTIONS") return v;
    return refused(405, errc::invalid_request, "only " + std::string(r.allow) + " here", v);
  }
  return refused(404, errc::invalid_request, "there is POST /rpc, GET /ws and GET /health");
}

http_verdict check_page(const wire::http_head& head, const http_door& door, http_verdict v) {
  if (auto* origin = head.find("origin")) {
    if (door.vouched)
      return refused(403, errc::origin_refused,
                     "a request for a web page cannot come through the Unix socket", v);
    // Octet for octet: browsers spell an origin in one way only.
    if (!contains(door.origins, *origin))
      return refused(403, errc::origin_refused, "this page's origin is not allowed here", v);
    v.origin = *origin;
    return v;
  }
  // Browsers leave Origin out where a page fetches without reading (an image, a form that navigates); they
  // still say that another site asked.
  if (auto* site = head.find("sec-fetch-site"); site && *site != "none" && *site != "same-origin")
    return refused(403, errc::origin_refused, "a page of another site asks without saying its origin", v);
  return v;
}

http_verdict check_size(const wire::http_head& head, http_verdict v) {
  bool has_body = head.chunked || head.content_length.value_or(0) > 0;
  if (v.where != goes::call) {
    if (has_body) return refused(400, errc::invalid_request, "no body belongs here", v);
    return v;
  }
  if (!head.chunked && !head.content_length)
    return refused(411, errc::invalid_request, "Content-Length is missing", v);
  auto* type = head.find("content-type");
  v.has_blob = type && media_type(*type) == blob_content_type;
  v.body_octets_max = wire::line_size_max + (v.has_blob ? 1 + wire::plugin_blob_size_max : 0);
  if (head.content_length.value_or(0) > v.body_octets_max)
    return refused(413, errc::message_too_large,
                   "the body has more than " + std::to_string(v.body_octets_max) + " octets", v);
  auto* expects = head.find("expect");
  if (expects && lowered(*expects) != "100-continue")
    return refused(417, errc::invalid_request, "only 100-continue can be expected", v);
  return v;
}

http_verdict check_token(const wire::http_head& head, const http_door& door, const token_check& known,
                         http_verdict v) {
  if (door.vouched || v.where != goes::call) return v;
  v.token = bearer_token(head);
  switch (known(v.token, v.origin)) {
    case token_state::good: return v;
    case token_state::wrong_too_often:
      return refused(429, errc::unauthenticated, "too many wrong tokens; wait a minute", v);
    case token_state::wrong: break;
  }
  return refused(401, errc::unauthenticated,
                 v.token.empty() ? "Authorization: Bearer TOKEN is missing" : "the token is not known here",
                 v);
}

// What names itself is written into the journal and told to others.
bool is_name(std::string_view text) {
  // The head has no control characters of one octet but the tab; there are more of two (U+0080 to U+009F).
  for (std::size_t i = 0; i + 1 < text.size(); ++i)
    if (text[i] == '\xc2' && static_cast<unsigned char>(text[i + 1]) < 0xa0) return false;
  return is_utf8(text) && text.find('\t') == std::string_view::npos;
}

http_verdict check_form(const wire::http_head& head, http_verdict v) {
  if (auto* client = head.find("x-tilld-client"); client && !is_name(*client))
    return refused(400, errc::invalid_request, "X-Tilld-Client must be UTF-8 without control characters", v);
  if (v.where == goes::call && !v.has_blob) {
    auto* type = head.find("content-type");
    if (!type || media_type(*type) != "application/json")
      return refused(415, errc::invalid_request, "Content-Type must be application/json", v);
  }
  if (v.where == goes::websocket) {
    auto* version = head.find("sec-websocket-version");
    if (!head.lists("connection", "upgrade") || !head.lists("upgrade", "websocket") || !version ||
        *version != "13")
      return refused(426, errc::invalid_request, "a WebSocket of version 13 is spoken here", v);
    if (head.find("sec-websocket-protocol") && !head.lists("sec-websocket-protocol", websocket_protocol))
      return refused(400, errc::invalid_request, "the subprotocol is tilld.v1", v);
  }
  return v;
}

}  // namespace

http_verdict judge(const wire::http_head& head, const http_door& door, const token_check& token) {
  if (!names_this_host(head, door))
    return refused(421, errc::invalid_request, "Host does not name this machine and port");
  auto v = find_route(head);
  if (v.where != goes::refused) v = check_page(head, door, std::move(v));
  if (v.where != goes::refused) v = check_size(head, std::move(v));
  if (v.where != goes::refused) v = check_token(head, door, token, std::move(v));
  if (v.where != goes::refused) v = check_form(head, std::move(v));
  return v;
}

}  // namespace tilld::daemon
